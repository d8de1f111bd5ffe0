/** Something a person can put right: what happened and why, and the next command. Never shown with a stack. */
export class UserError extends Error {
  override readonly name: string = "UserError";
  readonly next: string | undefined;

  constructor(message: string, next?: string) {
    super(message);
    this.next = next;
  }
}

/** There is nothing of the name that was given. */
export class UnknownName extends UserError {
  override readonly name = "UnknownName";
}

/** The words of a command line cannot be meant so; the exit code is 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
}
