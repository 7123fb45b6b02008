import type { OperationDescription } from '../client/protocol/description.ts';
import { propertiesOf } from '../client/protocol/text-fields.ts';

/** An answer that shows one resource carries its entity tag. */
export function showsOneResource({ kind, response }: OperationDescription): boolean {
  return kind === 'read' && propertiesOf(response)['lastModified'] !== undefined;
}

/** Under an equal tag the answer is equal, too, so that it need not be sent again. */
export function answersNotModified(operation: OperationDescription): boolean {
  return showsOneResource(operation) && operation.showsMoreThanItsTag !== true;
}

/** Whether `If-None-Match` names the tag (RFC 9110, 13.1.2: by weak comparison, in a list, or `*` for any). */
export function namesTag(header: string | undefined, tag: number): boolean {
  if (header === undefined) return false;
  return header
    .split(',')
    .map((each) => each.trim())
    .some((each) => each === '*' || each.replace(/^W\//, '') === `"${tag}"`);
}
