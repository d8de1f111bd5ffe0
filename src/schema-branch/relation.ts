/** A relation of the base as the worker reads it. */
export interface ReadableRelation {
  readonly name: string;
  readonly kind: "r" | "S";
  /** Whether it belongs to the base's owner, whose rights the worker has. Others are read through a view. */
  readonly own: boolean;
  /** Whether the base's owner may also write it; the branch's owner then may write its copy. */
  readonly full: boolean;
  /** Qualified name to read from. */
  readonly from: string;
}
