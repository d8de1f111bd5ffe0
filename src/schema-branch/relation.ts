/** A relation of the base as the worker reads it. */
export interface ReadableRelation {
  readonly name: string;
  readonly kind: "r" | "S";
  /** Belongs to the base's owner, whose rights the worker has; others are read through a view. */
  readonly own: boolean;
  /** Whether the base's owner may also write it, as the branch's may then. */
  readonly full: boolean;
  /** Qualified. */
  readonly from: string;
}
