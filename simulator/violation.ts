/** A property does not hold. It ends the run, and the seed reproduces it. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly property: string;

  constructor(property: string, message: string) {
    super(`${property}: ${message}`);
    this.property = property;
  }
}

/** The name of the property that a violation is about; the name of the error, where the program threw. */
export function propertyOf(violation: Error | null): string {
  if (violation === null) return '';
  return violation instanceof Violation ? violation.property : violation.name;
}
