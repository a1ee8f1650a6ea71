/** A value that does not fit its field. Becomes a DomainError once the operation's own checks had their say. */
export class Fault extends Error {
  readonly value: unknown;
  readonly rule: string;
  path: string;

  constructor(value: unknown, rule: string, path = '') {
    super(rule);
    this.value = value;
    this.rule = rule;
    this.path = path;
  }

  /** Puts the field or `[index]` in which the fault stands before its path. */
  within(outer: string): this {
    this.path = this.path === '' || this.path.startsWith('[') ? outer + this.path : `${outer}.${this.path}`;
    return this;
  }
}

export function within(error: unknown, outer: string): unknown {
  return error instanceof Fault ? error.within(outer) : error;
}
