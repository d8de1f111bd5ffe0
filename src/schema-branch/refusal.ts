/** Something that cannot be branched. */
export interface Refusal {
  readonly object: string;
  readonly kind: string;
  readonly why: string;
  readonly next: string;
}
