/**
 * An error that the user can resolve: what happened and why, and the next command. Shown without a stack
 * trace.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
  readonly next: string | undefined;

  constructor(message: string, next?: string) {
    super(message);
    this.next = next;
  }
}

/** Nothing has the given name. */
export class UnknownName extends UserError {
  override readonly name = "UnknownName";
}

/** A command line is invalid; the exit code is 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
}
