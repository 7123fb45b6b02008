import { afterAll, beforeAll, describe, expect, it, onTestFailed, vi } from 'vitest';
import { missingLine } from './form.ts';
import { Machines } from './machines.ts';
import { readProcedures, type Step } from './page.ts';
import { playScene } from './scenes.ts';

// A bound against hanging for ever; a procedure waits for what it names.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 180_000 });

const { preparation, procedures } = readProcedures();

/** One cluster, from its first start on, through everything that the page has in store for it. */
describe.sequential('the page of operations', () => {
  let machines: Machines;
  beforeAll(async () => {
    machines = await Machines.open();
  });
  afterAll(async () => {
    await machines.close();
  });

  it.each(procedures)('is right about: $title', async ({ steps }) => {
    onTestFailed(() => void process.stderr.write(`\n${machines.dump()}\n`));
    for (const step of steps) expect(await take(step)).toBe(null);
  });

  /** What was otherwise than the page says; null when all was as it says. */
  async function take(step: Step): Promise<string | null> {
    if (step.kind === 'scene') return await playScene(step.name, machines).then(() => null);
    const { text, shown } = step;
    const { exitCode, answer } = await machines.type(`${preparation}\n${text}`);
    // How the answers in the page are written, and looked at when they have changed.
    if (process.env['OTTLA_SHOW'] === '1') process.stdout.write(`$ ${text}${answer}[${exitCode}]\n\n`);
    if (exitCode !== step.exitCode) return `${text}ended with ${exitCode}, not ${step.exitCode}:\n${answer}`;
    const missing = shown === null ? null : missingLine(machines.here(shown), answer);
    return missing === null ? null : `${text}lacks “${missing}”:\n${answer}`;
  }
});
