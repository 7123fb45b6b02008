import { describe, expect, it } from 'vitest';
import type { CommandPlaces } from '../../src/conformance/broker-control.ts';
import { accusation, conform, notKept } from './conform.ts';
import { brokenBy } from './support/broken-rules.ts';
import { dataFaults } from './support/data-faults.ts';
import { TestBroker } from './support/test-broker.ts';

describe.concurrent('the conformance kit', () => {
  it('finds nothing in a broker that does with records what it must', async () => {
    const report = await conform((places) => new TestBroker(places, [], true), undefined, { url: null });
    expect(notKept(report)).toBe('');
    expect(report.verdict).toBe('pass');
  });

  // Of the other rules `data-plane.long.ts` says that they are kept.
  it.each(dataFaults)('finds that a broker %s, and names the rule', async (fault) => {
    const broker = (places: CommandPlaces): TestBroker => new TestBroker(places, [fault], true);
    const report = await conform(broker, [brokenBy[fault]], { url: null });
    expect(accusation(report)).toBe(brokenBy[fault]);
    expect(report.verdict).toBe('fail');
  });
});
