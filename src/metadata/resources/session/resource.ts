import { assert } from '../../../base/assert.ts';
import { defineResource, type Position, type PositionedRecord, rowPosition } from '../../resource.ts';
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

export const resource = defineResource<
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
    headerOffsets: state.headerOffsets.edit(),
  }),
  freeze: (draft) =>
    Object.freeze({
      sessions: draft.sessions.freeze(),
      answers: draft.answers.freeze(),
      headerAnswers: draft.headerAnswers.freeze(),
      headerOffsets: draft.headerOffsets.freeze(),
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
  const session = draft.sessions.get(record.sessionId);
  assert(session !== null, `session ${record.sessionId} is answered but is not open`);
  const forgetBelow = Math.max(session.forgetBelow, record.forgetBelow);
  assert(record.sequence >= forgetBelow, `sequence ${record.sequence} is answered and forgotten at once`);
  draft.sessions.set(record.sessionId, {
    ...session,
    forgetBelow,
    lastUsedMs: Math.max(session.lastUsedMs, position.timestampMs),
    lastModified: Math.max(session.lastModified, position.offset),
  });
  if (forgetBelow > session.forgetBelow) forgetAnswersBelow(draft, record.sessionId, forgetBelow);
  const { type: _type, forgetBelow: _forgetBelow, ...fields } = record;
  draft.answers.set(answerKeyOf({ ...fields, lastModified: 0 }), {
    ...fields,
    lastModified: position.offset,
  });
}

/** The window of a session bounds how many answers this can be. */
function forgetAnswersBelow(draft: SessionDraft, sessionId: number, below: number): void {
  const forgotten: SessionAnswerRow[] = [];
  for (const row of draft.answers.values({ sessionId, sequence: 0 })) {
    if (row.sessionId !== sessionId || row.sequence >= below) break;
    forgotten.push(row);
  }
  for (const row of forgotten) draft.answers.delete(answerKeyOf(row));
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
