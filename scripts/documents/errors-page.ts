import { errorCatalogue, type ErrorCode } from '../../src/metadata/errors.ts';
import { serverStartErrors } from '../../src/runtime/server-config.ts';
import { operationsThatAnswer, operationsThatShare, surface, type SurfaceOperation } from './surface.ts';

/** What the SDK throws when there is no answer of a controller to report. */
const clientErrors = {
  OttlaError:
    'A controller answered with one of the codes above; `code`, `status` and `retryable` are on it.',
  OutcomeUnknownError:
    'A write may or may not have taken effect, and nobody could be asked in time. Never treat it as a failure: read back, or send the write again under the same key.',
  NoAnswerError:
    'No endpoint gave an answer in time, and this call has changed nothing. `outcomes` says why, endpoint by endpoint.',
  UnexpectedAnswerError:
    'The answer has a form that this client does not know: client and server are of different versions.',
} as const;

export const clientErrorNames: readonly string[] = Object.keys(clientErrors);

/** `docs/ERRORS.md`, made from the catalogue and the operations. */
export function errorsPage(): string {
  const codes = Object.keys(errorCatalogue).sort() as ErrorCode[];
  return `# Errors

<!-- Made by \`npm run documents\` from src/metadata/errors.ts and the operations; a test compares. -->

Over HTTP an error is a problem (RFC 9457, \`application/problem+json\`):

\`\`\`json
{
  "type": "urn:ottla:error:TOPIC_ALREADY_EXISTS",
  "title": "A topic with this name exists.",
  "status": 409,
  "detail": "There is a topic orders.",
  "code": "TOPIC_ALREADY_EXISTS",
  "retryable": false,
  "leader": 1
}
\`\`\`

\`code\` is what programs go by: it is stable, and Kafka's name where Kafka has one. \`title\` says what the code means, \`detail\` what happened this
time. \`retryable\` says whether the same request may succeed later as it is, and \`retryAfterMs\` when to try. \`leader\` is the controller that
leads, or null. \`details\` holds what a program may want to know beside it.

| code | status | retryable |
|---|---|---|
${codes.map((code) => `| [${code}](#${code.toLowerCase()}) | ${errorCatalogue[code].status} | ${yesOrNo(errorCatalogue[code].retriable)} |`).join('\n')}

${codes.map(section).join('\n\n')}

## Errors of the SDK

| class | what it means |
|---|---|
${table(clientErrors)}

## Errors of a controller that does not start

\`createController\` throws a \`ControllerStartError\` with one of these codes; \`ottla server start\` ends with exit code 8 and the same message.

| code | what it means |
|---|---|
${table(serverStartErrors)}
`;
}

function section(code: ErrorCode): string {
  const { status, retriable, summary, remedy } = errorCatalogue[code];
  return `## ${code}

Status ${status}, ${retriable ? 'retryable' : 'not retryable as it is'}.

**What it means:** ${summary}

**What to do:** ${remedy}

**Who answers it:** ${answerers(code)}`;
}

function answerers(code: ErrorCode): string {
  const own = operationsThatAnswer(code);
  const shared = operationsThatShare(code);
  const named = own.map((id) => `\`${id}\``).join(', ');
  if (shared.length === 0) return own.length === 0 ? 'requests that reach no operation.' : `${named}.`;
  const others = own.filter((id) => !shared.some(({ operation }) => operation.operationId === id));
  const also = others.length === 0 ? '' : `; ${others.map((id) => `\`${id}\``).join(', ')}`;
  return `${group(shared)}${also}.`;
}

/** The operations that share a code, by what they have in common. */
function group(shared: readonly SurfaceOperation[]): string {
  const groups: readonly [string, (each: SurfaceOperation) => boolean][] = [
    ['every operation', () => true],
    ['every operation of the quorum', ({ answerer }) => answerer === 'quorum'],
    [
      'every read of the quorum',
      ({ answerer, operation }) => answerer === 'quorum' && operation.kind === 'read',
    ],
    ['everything that changes something', ({ operation }) => operation.kind !== 'read'],
    ['every write', ({ operation }) => operation.kind === 'write'],
    [
      'every write of administration',
      ({ operation }) => operation.kind !== 'read' && operation.priority === 'administration',
    ],
  ];
  const found = groups.find(([, belongs]) =>
    surface.every((each) => belongs(each) === shared.includes(each)),
  );
  // By name: the order of the registry is not the same for every loader of modules.
  const ids = shared.map(({ operation }) => operation.operationId).sort();
  return found?.[0] ?? ids.map((id) => `\`${id}\``).join(', ');
}

function table(rows: Readonly<Record<string, string>>): string {
  return Object.entries(rows)
    .map(([name, meaning]) => `| \`${name}\` | ${meaning} |`)
    .join('\n');
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
