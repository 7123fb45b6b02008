import type { Checker } from '../observation.ts';

export type Marks = Map<string, number>;

export function count(marks: Marks, name: string): void {
  marks.set(name, (marks.get(name) ?? 0) + 1);
}

/** Counts what happened, so that a run in which too little happened is told from one that is sound. */
export function countMarks(marks: Marks): Checker {
  const mark = (name: string): void => count(marks, name);
  return {
    name: 'coverage marks',
    source: 'TigerBeetle, coverage marks',
    afterBoot(node) {
      mark('boot');
      if (node.view !== null && node.view.logStart.endOffset > 0) mark('boot behind a snapshot');
      if (node.view?.isRecovering === true) mark('boot recovering');
    },
    onEffects(_node, _input, effects) {
      for (const effect of effects) {
        if (effect.type === 'roleChanged') mark(`role ${effect.role}`);
        else if (effect.type === 'failProposal') mark(`proposal failed: ${effect.reason}`);
        else if (effect.type === 'voterChangeAnswered') mark(`voter change: ${effect.error ?? 'made'}`);
        else if (counted.has(effect.type)) mark(effect.type);
      }
    },
    onSend(_node, _to, peerMessage) {
      if (peerMessage.channel !== 'raft') return;
      const { message } = peerMessage;
      if (message.type === 'voteResponse') {
        mark(`${message.preVote ? 'pre-vote' : 'vote'} ${message.voteGranted ? 'granted' : 'refused'}`);
      } else if (message.type === 'fetchResponse') {
        mark(
          message.outcome.kind === 'refused'
            ? `fetch ${message.outcome.error}`
            : `fetch ${message.outcome.kind}`,
        );
      } else if (message.type === 'fetchSnapshotResponse') {
        mark(`snapshot ${message.outcome.kind}`);
      } else if (message.type === 'endQuorumEpochRequest') {
        mark('end of epoch announced');
      }
    },
    onCommitted() {
      mark('batch committed');
    },
  };
}

const counted: ReadonlySet<string> = new Set([
  'truncateLog',
  'installSnapshot',
  'storeSnapshotChunk',
  'completeReadBarrier',
  'failReadBarriers',
  'badMessage',
]);
