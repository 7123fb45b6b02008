import type { Check } from '../check.ts';
import type { SeenRequest } from '../gateway/seen-request.ts';
import { Inconclusive, RuleBroken } from '../verdict.ts';
import { patienceMs } from '../waiting.ts';

const leaveOnLeave: Check = {
  rule: 'leave-on-leave',
  needsCommand: true,
  run: async (kit) => {
    const { gateway, control } = kit;
    const demanded =
      'A broker that stops asks with wantShutDown, and goes on until it is told shouldShutDown.';
    // Not yet, it is told at first: whoever is right asks again.
    let asked = 0;
    gateway.treat('heartbeat', ({ body }) =>
      body['wantShutDown'] === true && asked++ < 2
        ? { type: 'rewrite', change: (answer) => ({ ...answer, isFenced: false, shouldShutDown: false }) }
        : { type: 'pass' },
    );
    control.stop();
    const sinceMs = performance.now();
    const hasEnded = await kit.find(() => !control.isRunning || undefined);
    const leaving = gateway.of('heartbeat').filter(({ body }) => body['wantShutDown'] === true);
    if (hasEnded === null) {
      if (leaving.length === 0)
        kit.missing(sinceMs, demanded, `It was asked to stop, and did not say that it leaves.`);
      throw new Inconclusive(`It was asked to stop, and was there ${patienceMs} ms later.`);
    }
    if (leaving.length === 0) throw new RuleBroken(demanded, 'It was gone, and had not asked.');
    if (leaving.some(isTold)) return;
    throw new RuleBroken(demanded, `It asked ${leaving.length} times, was told to go on, and was gone.`);
  },
};

function isTold({ answer }: SeenRequest): boolean {
  return answer?.body['shouldShutDown'] === true;
}

export const leavingChecks: readonly Check[] = [leaveOnLeave];
