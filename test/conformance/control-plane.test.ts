import { beforeAll, describe, expect, it } from 'vitest';
import { assertDefined } from '../../src/base/assert.ts';
import type { RuleName } from '../../src/conformance/rules.ts';
import type { Report } from '../../src/conformance/verdict.ts';
import { accusation, conform, notKept } from './conform.ts';
import { type ControlFault, controlFaults } from './support/control-faults.ts';
import { TestBroker } from './support/test-broker.ts';

/** The rule that each fault breaks. */
const broken: Readonly<Record<ControlFault, RuleName>> = {
  'keeps its incarnation id over a restart': 'register-once',
  'draws an incarnation id for each registration': 'register-once',
  'goes on after INCONSISTENT_CLUSTER_ID': 'register-own-cluster',
  'takes another id where its own is in use': 'register-wait',
  'goes on under an epoch that is stale': 'register-again',
  'names metadata offsets that others have told it': 'caught-up',
  'knows one controller': 'any-controller',
  'waits for ever for the answer to a heartbeat': 'lease-unknown',
  'sends heartbeats seldom': 'heartbeat-pace',
  'resumes its watch whatever it is told': 'watch-in-order',
  'leaves when it meets records that it does not know': 'unknown-records',
  'goes without leaving': 'leave-on-leave',
};

type Reports = ReadonlyMap<ControlFault | null, Report>;

/** A broker for each fault, and one without any. All at once: they wait most of the time. */
async function reportsOf(faults: readonly (ControlFault | null)[]): Promise<Reports> {
  const looked = faults.map(async (fault) => {
    const report = await conform((places) => new TestBroker(places, fault === null ? [] : [fault]));
    return [fault, report] as const;
  });
  return new Map(await Promise.all(looked));
}

describe('the conformance kit', () => {
  let reports: Reports;
  beforeAll(async () => {
    reports = await reportsOf([null, ...controlFaults]);
  });
  const reportOf = (fault: ControlFault | null): Report =>
    assertDefined(reports.get(fault), 'each broker was looked at');

  it('finds nothing in the broker that the SDK makes', () => {
    expect(notKept(reportOf(null))).toEqual('');
    expect(reportOf(null)).toMatchObject({ verdict: 'pass', brokerId: 7 });
  });

  it.each(controlFaults)('finds that a broker %s, by the name of the rule and no other', (fault) => {
    expect(accusation(reportOf(fault))).toBe(broken[fault]);
    expect(reportOf(fault).verdict).toBe('fail');
  });
});
