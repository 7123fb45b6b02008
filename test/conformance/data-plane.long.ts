import { describe, expect, it } from 'vitest';
import type { CommandPlaces } from '../../src/conformance/broker-control.ts';
import { accusation, conform } from './conform.ts';
import { brokenBy } from './support/broken-rules.ts';
import { dataFaults } from './support/data-faults.ts';
import { TestBroker } from './support/test-broker.ts';

/** All rules for each broker that is broken on purpose: some minutes, nearly all of them spent waiting. */
const atMostMs = 900_000;

describe.concurrent('the conformance kit', () => {
  it.each(dataFaults)(
    'finds that a broker %s, by the name of the rule and no other',
    async (fault) => {
      const broker = (places: CommandPlaces): TestBroker => new TestBroker(places, [fault], true);
      expect(accusation(await conform(broker, undefined, { url: null }))).toBe(brokenBy[fault]);
    },
    atMostMs,
  );
});
