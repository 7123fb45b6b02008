import { assert, violated } from '../../../base/assert.ts';
import { defineKind, type Position, type PositionedRecord, rowPosition } from '../../resource.ts';
import {
  type CloseSessionRecord,
  closeSessionRecord,
  type ForgetHeaderAnswersRecord,
  forgetHeaderAnswersRecord,
  type HeaderAnswerRecord,
  headerAnswerRecord,
  type OpenSessionRecord,
  openSessionRecord,
  type SessionAnswerRecord,
  sessionAnswerRecord,
} from './records.ts';
import {
  emptySessionState,
  type HeaderAnswerRow,
  headerAnswerFields,
  type SessionAnswerRow,
  sessionAnswerFields,
  type SessionDraft,
  sessionFields,
  type SessionRow,
  type SessionState,
} from './state.ts';

type SessionRecord = OpenSessionRecord | SessionAnswerRecord | HeaderAnswerRecord;

export const resource = defineKind<
  'session',
  readonly [
    typeof openSessionRecord,
    typeof closeSessionRecord,
    typeof sessionAnswerRecord,
    typeof headerAnswerRecord,
    typeof forgetHeaderAnswersRecord,
  ],
  SessionState,
  SessionDraft
>({
  name: 'session',
  records: [
    openSessionRecord,
    closeSessionRecord,
    sessionAnswerRecord,
    headerAnswerRecord,
    forgetHeaderAnswersRecord,
  ],
  empty: () => emptySessionState,
  edit: (state, token) => ({
    sessions: state.sessions.edit(token),
    answers: state.answers.edit(token),
    headerAnswers: state.headerAnswers.edit(token),
    headerOffsets: state.headerOffsets.edit(token),
  }),
  freeze: (draft) =>
    Object.freeze({
      sessions: draft.sessions.freeze(),
      answers: draft.answers.freeze(),
      headerAnswers: draft.headerAnswers.freeze(),
      headerOffsets: draft.headerOffsets.freeze(),
    }),
  look: (draft) => ({
    sessions: draft.sessions.look(),
    answers: draft.answers.look(),
    headerAnswers: draft.headerAnswers.look(),
    headerOffsets: draft.headerOffsets.look(),
  }),
  replay: {
    OpenSessionRecord: replayOpen,
    CloseSessionRecord: replayClose,
    SessionAnswerRecord: replayAnswer,
    HeaderAnswerRecord: replayHeaderAnswer,
    ForgetHeaderAnswersRecord: replayForget,
  },
  tables: [
    {
      kind: 'rows',
      id: 6,
      name: 'session',
      fields: sessionFields,
      table: (state) => state.sessions.rows,
      load: (draft, slot, row: SessionRow) => draft.sessions.place(slot, row.sessionId, row),
    },
    {
      kind: 'rows',
      id: 7,
      name: 'sessionAnswer',
      fields: sessionAnswerFields,
      table: (state) => state.answers.rows,
      load: (draft, slot, row: SessionAnswerRow) => draft.answers.place(slot, answerKeyOf(row), row),
    },
    {
      kind: 'rows',
      id: 8,
      name: 'headerAnswer',
      fields: headerAnswerFields,
      table: (state) => state.headerAnswers.rows,
      load: (draft, slot, row: HeaderAnswerRow) => {
        draft.headerAnswers.place(slot, row.lastModified, row);
        draft.headerOffsets.set({ principal: row.principal, key: row.key }, row.lastModified);
      },
    },
  ],
  toRecords,
});

function answerKeyOf(row: SessionAnswerRow): { readonly sessionId: number; readonly sequence: number } {
  return { sessionId: row.sessionId, sequence: row.sequence };
}

function replayOpen(draft: SessionDraft, record: OpenSessionRecord, position: Position): void {
  assert(draft.sessions.get(record.sessionId) === null, `session ${record.sessionId} is opened twice`);
  draft.sessions.set(record.sessionId, {
    sessionId: record.sessionId,
    principal: record.principal,
    timeoutMs: record.timeoutMs,
    lastUsedMs: position.timestampMs,
    forgetBelow: 0,
    lastModified: position.offset,
  });
}

function replayClose(draft: SessionDraft, record: CloseSessionRecord): void {
  const known = draft.sessions.delete(record.sessionId);
  assert(known, `session ${record.sessionId} is closed but is not open`);
  forgetAnswersBelow(draft, record.sessionId, Number.MAX_SAFE_INTEGER);
}

function replayAnswer(draft: SessionDraft, record: SessionAnswerRecord, position: Position): void {
  const { sessionId, sequence, requestHash, status, answer } = record;
  const session = draft.sessions.get(sessionId);
  if (session === null) violated(`session ${sessionId} is answered but is not open`);
  const forgetBelow = Math.max(session.forgetBelow, record.forgetBelow);
  if (sequence < forgetBelow) violated(`sequence ${sequence} is answered and forgotten at once`);
  draft.sessions.set(sessionId, {
    sessionId,
    principal: session.principal,
    timeoutMs: session.timeoutMs,
    lastUsedMs: Math.max(session.lastUsedMs, position.timestampMs),
    forgetBelow,
    lastModified: Math.max(session.lastModified, position.offset),
  });
  if (forgetBelow > session.forgetBelow) forgetAnswersBelow(draft, sessionId, forgetBelow);
  const row = { sessionId, sequence, requestHash, status, answer, lastModified: position.offset };
  draft.answers.set({ sessionId, sequence }, row);
}

/** The window of a session bounds how many answers this can be. */
function forgetAnswersBelow(draft: SessionDraft, sessionId: number, below: number): void {
  for (;;) {
    const oldest = draft.answers.firstFrom({ sessionId, sequence: 0 });
    if (oldest === null || oldest.sessionId !== sessionId || oldest.sequence >= below) return;
    draft.answers.delete(answerKeyOf(oldest));
  }
}

function replayHeaderAnswer(draft: SessionDraft, record: HeaderAnswerRecord, position: Position): void {
  const { type: _type, ...fields } = record;
  const key = { principal: record.principal, key: record.key };
  assert(!draft.headerOffsets.has(key), 'a header key is answered twice');
  draft.headerOffsets.set(key, position.offset);
  draft.headerAnswers.set(position.offset, {
    ...fields,
    answeredMs: position.timestampMs,
    lastModified: position.offset,
  });
}

function replayForget(draft: SessionDraft, record: ForgetHeaderAnswersRecord): void {
  for (const answeredAt of record.offsets) {
    const row = draft.headerAnswers.get(answeredAt);
    assert(row !== null, `the header answer at ${answeredAt} is forgotten but unknown`);
    draft.headerOffsets.delete({ principal: row.principal, key: row.key });
    draft.headerAnswers.delete(answeredAt);
  }
}

/**
 * `forgetBelow` travels with the answers: whenever it is above 0, the answer that raised it is still there,
 * because nothing but a later answer can make the session forget it.
 */
function* toRecords(state: SessionState): Iterable<PositionedRecord<SessionRecord>> {
  for (const row of state.sessions.values()) {
    yield {
      record: {
        type: 'OpenSessionRecord',
        sessionId: row.sessionId,
        principal: row.principal,
        timeoutMs: row.timeoutMs,
      },
      position: rowPosition(row.lastModified, row.lastUsedMs),
    };
  }
  for (const row of state.answers.values()) {
    const { lastModified, ...fields } = row;
    const session = state.sessions.get(row.sessionId);
    assert(session !== null, `session ${row.sessionId} has answers but is not open`);
    yield {
      record: { type: 'SessionAnswerRecord', ...fields, forgetBelow: session.forgetBelow },
      position: rowPosition(lastModified, session.lastUsedMs),
    };
  }
  for (const row of state.headerAnswers.values()) {
    const { lastModified, answeredMs, ...fields } = row;
    yield {
      record: { type: 'HeaderAnswerRecord', ...fields },
      position: rowPosition(lastModified, answeredMs),
    };
  }
}
