/** Something a person can put right: what happened and why, and the next command. Never shown with a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly next: string | undefined;

  constructor(message: string, next?: string) {
    super(message);
    this.next = next;
  }
}
