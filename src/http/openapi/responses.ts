import { jsonContentType, problemContentType } from '../../client/protocol/headers.ts';
import { makeProblem } from '../../client/protocol/problem.ts';
import { errorCatalogue, type ErrorCode } from '../../metadata/errors.ts';
import { answersNotModified, showsOneResource } from '../entity-tags.ts';
import { entityTagHeader, retryAfterHeader, standingHeaders, validateOnlyHeader } from './components.ts';
import type { DescribedRoute } from './described-routes.ts';

type Responses = Record<string, Readonly<Record<string, unknown>>>;

/** What a route may answer, by status. */
export function responsesOf(route: DescribedRoute): Responses {
  const responses: Responses = { [successStatus(route)]: success(route) };
  if (answersNotModified(route.operation)) responses['304'] = notModified;
  for (const [status, codes] of codesByStatus(route.errors)) responses[status] = problems(codes);
  if (route.unavailable !== undefined) responses['503'] = unavailable(route, responses['503']);
  return responses;
}

const notModified = {
  description: 'If-None-Match names the tag of the answer: the caller has it already.',
  headers: { ...standingHeaders, ...entityTagHeader },
};

function successStatus({ operation }: DescribedRoute): number {
  return operation.successStatus ?? 200;
}

function success(route: DescribedRoute): Responses[string] {
  const { operation } = route;
  const headers = {
    ...standingHeaders,
    ...(showsOneResource(operation) ? entityTagHeader : {}),
    ...(route.commonParameters.includes('validateOnly') ? validateOnlyHeader : {}),
  };
  const described = { description: 'It was done.', headers };
  if (successStatus(route) === 204) return described;
  if (route.content !== undefined) return { ...described, content: route.content };
  const { example } = operation;
  const shown = example === undefined ? {} : { example: example.response };
  return { ...described, content: { [jsonContentType]: { schema: operation.response, ...shown } } };
}

function codesByStatus(codes: readonly ErrorCode[]): ReadonlyMap<number, readonly ErrorCode[]> {
  const statuses = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorCatalogue[code];
    statuses.set(status, [...(statuses.get(status) ?? []), code]);
  }
  return statuses;
}

/** The codes of one status; which it may be is part of the schema. */
function problems(codes: readonly ErrorCode[]): Responses[string] {
  const isRetriable = codes.some((code) => errorCatalogue[code].retriable);
  return {
    description: codes.map((code) => `${code}: ${errorCatalogue[code].summary}`).join('\n\n'),
    headers: isRetriable ? { ...standingHeaders, ...retryAfterHeader } : standingHeaders,
    content: {
      [problemContentType]: {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { code: { type: 'string', enum: codes } } },
          ],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleProblem(code) }])),
      },
    },
  };
}

function exampleProblem(code: ErrorCode): ReturnType<typeof makeProblem> {
  const { summary, retriable } = errorCatalogue[code];
  return makeProblem({ code, message: summary, leader: 0, ...(retriable ? { retryAfterMs: 250 } : {}) });
}

function unavailable(route: DescribedRoute, problem: Responses[string] | undefined): Responses[string] {
  const content = problem?.['content'] as Readonly<Record<string, unknown>> | undefined;
  return {
    description: 'The node cannot serve; `checks` says why, or it is stopping.',
    headers: { ...standingHeaders, ...retryAfterHeader },
    content: { [jsonContentType]: { schema: route.unavailable }, ...content },
  };
}
