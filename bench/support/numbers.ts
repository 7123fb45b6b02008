/** Numbers of a benchmark's command line; whatever else stands there is named in the error. */
export function positive(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`'${text}' is no whole number above 0`);
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`'${text}' is no whole number`);
}
