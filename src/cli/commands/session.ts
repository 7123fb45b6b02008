import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import { duration, renderFields, type Column } from '../output/table.ts';
import { addListVerb, addVerb, outcome } from '../verbs.ts';

type SessionView = Awaited<ReturnType<Client['describeSession']>>;
type Limits = Awaited<ReturnType<Client['describeIdempotency']>>;

const named = { positional: ['sessionId'], explanations: { sessionId: 'the session’s id' } } as const;

export function addSessionCommands(program: Command, dependencies: CliDependencies): void {
  const session = program
    .command('session')
    .description('Sessions, under whose keys requests take effect exactly once.');
  addListVerb(session, dependencies, {
    name: 'list',
    operation: operations.listSessions,
    rows: 'sessions',
    page: async (client, query, options) => {
      const { sessions, continue: next } = await client.listSessions(query, options);
      return { rows: sessions, continue: next };
    },
    columns,
    none: 'No session is open.',
  });
  addVerb(session, dependencies, {
    name: 'describe',
    operation: operations.describeSession,
    ...named,
    call: (client, input, options) => client.describeSession(input, options),
    text: describeText,
  });
  addVerb(session, dependencies, {
    name: 'open',
    operation: operations.openSession,
    explanations: { timeoutMs: 'how long it stays open unused; what the cluster says when absent' },
    call: (client, input, options) => client.openSession(input, options),
    text: ({ sessionId, timeoutMs, window }, view) =>
      outcome(
        view,
        `Session ${sessionId} is open: ${duration(timeoutMs)} unused end it, and ${window} answers are kept.`,
        `A session could be opened that ${duration(timeoutMs)} unused end.`,
      ),
  });
  addVerb(session, dependencies, {
    name: 'close',
    operation: operations.closeSession,
    ...named,
    call: (client, input, options) => client.closeSession(input, options),
    text: ({ sessionId }, view) =>
      outcome(view, `Session ${sessionId} is closed.`, `Session ${sessionId} could be closed.`),
  });
  addVerb(session, dependencies, {
    name: 'limits',
    operation: operations.describeIdempotency,
    call: (client, input, options) => client.describeIdempotency(input, options),
    text: limitsText,
  });
}

const columns: readonly Column<SessionView>[] = [
  { heading: 'SESSION', cell: (row) => row.sessionId, align: 'right' },
  { heading: 'PRINCIPAL', cell: (row) => row.principal },
  { heading: 'LAST USED', cell: (row) => timeText(row.lastUsedMs) },
  { heading: 'TIMEOUT', cell: (row) => duration(row.timeoutMs) },
  { heading: 'FORGOTTEN BELOW', cell: (row) => row.forgetBelow, align: 'right', isWide: true },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
];

function describeText(session: SessionView): string {
  return renderFields([
    ['Session', session.sessionId],
    ['Principal', session.principal],
    ['Last used', timeText(session.lastUsedMs)],
    ['Timeout', duration(session.timeoutMs)],
    ['Forgotten below', session.forgetBelow],
    ['Last modified at', session.lastModified],
  ]);
}

function limitsText(limits: Limits): string {
  return renderFields([
    ['Open sessions', `${limits.sessions} of at most ${limits.sessionsMax}`],
    ['Answers of sessions', `${limits.answers} of at most ${limits.answersMax}`],
    ['Answers of one session', `at most ${limits.sessionWindow}`],
    ['Answers to bare keys', `${limits.headerAnswers} of at most ${limits.headerAnswersMax}`],
    ['Bare keys remembered', duration(limits.headerRetentionMs)],
  ]);
}

/** RFC 3339, in UTC. */
function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
