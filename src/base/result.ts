/** An operating error is a value, never an exception; a programmer's error is an assertion. */
export type Result<Value, Failure> = Ok<Value> | Failed<Failure>;

export type Ok<Value> = { readonly ok: true; readonly value: Value };
export type Failed<Failure> = { readonly ok: false; readonly error: Failure };

export function ok<Value>(value: Value): Ok<Value> {
  return { ok: true, value };
}

export function failed<Failure>(error: Failure): Failed<Failure> {
  return { ok: false, error };
}
