import { afterAll, beforeAll, describe, expect, it, onTestFailed, vi } from 'vitest';
import { missingLine } from './form.ts';
import { Machines } from './machines.ts';
import { readProcedures, type Step } from './page.ts';
import { canMountDisk } from '../processes/small-disk.ts';
import { needsOwnDisks, Stage } from './scenes.ts';

// A bound against hanging for ever; a procedure waits for what it names.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 180_000 });

const { preparation, procedures } = readProcedures();

/** One cluster, from its first start on, through everything that the page has in store for it. */
describe.sequential('the page of operations', () => {
  let machines: Machines;
  let stage: Stage;
  beforeAll(async () => {
    machines = await Machines.open();
    stage = new Stage(machines, preparation);
  });
  afterAll(async () => {
    await stage.close();
    await machines.close();
  });

  for (const { title, steps, metrics } of procedures) {
    const canBeTyped = !needsOwnDisks(steps) || canMountDisk();
    it.runIf(canBeTyped)(`is right about: ${title}`, async () => {
      onTestFailed(() => void process.stderr.write(`\n${machines.dump()}\n${stage.dump()}\n`));
      for (const step of steps) expect(await take(step)).toBe(null);
      expect(metrics.length === 0 ? [] : await missingMetrics(metrics)).toEqual([]);
    });
  }

  /** Of these, which no controller has; each of them has some, and the leader and those with snapshots more. */
  async function missingMetrics(names: readonly string[]): Promise<readonly string[]> {
    const each = '-H "authorization: Bearer $OTTLA_TOKEN" $controller/metrics';
    const { answer } = await machines.type(
      `${preparation}\nfor controller in \${OTTLA_ENDPOINTS//,/ }; do curl -s ${each}; done`,
    );
    return names.filter((name) => !answer.includes(`# TYPE ${name} `));
  }

  /** What was otherwise than the page says; null when all was as it says. */
  async function take(step: Step): Promise<string | null> {
    if (step.kind === 'scene') return await stage.play(step.name).then(() => null);
    const { text, shown } = step;
    const { exitCode, answer } = await machines.type(`${preparation}\n${text}`);
    // How the answers in the page are written, and looked at when they have changed.
    if (process.env['OTTLA_SHOW'] === '1') process.stdout.write(`$ ${text}${answer}[${exitCode}]\n\n`);
    if (exitCode !== step.exitCode) return `${text}ended with ${exitCode}, not ${step.exitCode}:\n${answer}`;
    const missing = shown === null ? null : missingLine(machines.here(shown), answer);
    return missing === null ? null : `${text}lacks “${missing}”:\n${answer}`;
  }
});
