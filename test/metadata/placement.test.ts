import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { type Candidate, placeReplicas } from '../../src/metadata/resources/topic/placement.ts';

function brokers(racks: number, perRack: number): Candidate[] {
  return Array.from({ length: racks * perRack }, (_, at) => ({
    brokerId: at,
    rack: `rack-${at % racks}`,
    fenced: false,
  }));
}

function countBy(values: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function spread(counts: ReadonlyMap<number, number>, candidates: readonly Candidate[]): number {
  const all = candidates.map((candidate) => counts.get(candidate.brokerId) ?? 0);
  return Math.max(...all) - Math.min(...all);
}

const shapes = fc.record({
  racks: fc.integer({ min: 1, max: 6 }),
  perRack: fc.integer({ min: 1, max: 6 }),
  seed: fc.nat(),
});

describe('placing replicas', () => {
  it('spreads leaders and replicas evenly over racks of equal size', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 5 }), ({ racks, perRack, seed }, wanted) => {
        const candidates = brokers(racks, perRack);
        const factor = Math.min(wanted, candidates.length);
        const rounds = 40;
        const partitions = candidates.length * candidates.length * rounds;
        const placed = placeReplicas(candidates, partitions, factor, seededRandom(seed));
        const leaders = countBy(placed.map((replicas) => replicas[0] ?? -1));
        const replicas = countBy(placed.flat());
        // Even to within a tenth of a broker's share.
        expect(spread(leaders, candidates)).toBeLessThanOrEqual((partitions / candidates.length) * 0.1 + 2);
        expect(spread(replicas, candidates)).toBeLessThanOrEqual(
          ((partitions * factor) / candidates.length) * 0.1 + 2,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('puts the replicas of a partition on different brokers and in as many racks as possible', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 8 }), ({ racks, perRack, seed }, wanted) => {
        const candidates = brokers(racks, perRack);
        const factor = Math.min(wanted, candidates.length);
        for (const replicas of placeReplicas(candidates, 30, factor, seededRandom(seed))) {
          expect(new Set(replicas).size).toBe(factor);
          expect(new Set(replicas.map((broker) => broker % racks)).size).toBe(Math.min(factor, racks));
        }
      }),
    );
  });

  it('takes fenced brokers last, and never to lead', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ rack: fc.nat({ max: 3 }), fenced: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.nat(),
        fc.integer({ min: 1, max: 12 }),
        (shape, seed, wanted) => {
          const candidates = shape.map(({ rack, fenced }, at) => ({
            brokerId: at,
            rack: rack === 0 ? null : `rack-${rack}`,
            fenced: fenced && at !== 0,
          }));
          const factor = Math.min(wanted, candidates.length);
          const unfenced = candidates.filter((candidate) => !candidate.fenced).length;
          for (const replicas of placeReplicas(candidates, 20, factor, seededRandom(seed))) {
            const used = replicas.filter((broker) => candidates[broker]?.fenced === true);
            expect(used.length).toBe(Math.max(0, factor - unfenced));
            expect(candidates[replicas[0] ?? -1]?.fenced).toBe(false);
            expect(new Set(replicas).size).toBe(factor);
          }
        },
      ),
    );
  });

  it('begins elsewhere with another seed, and at the same place with the same', () => {
    const candidates = brokers(3, 4);
    const place = (seed: number) => placeReplicas(candidates, 4, 3, seededRandom(seed));
    expect(place(1)).toEqual(place(1));
    const starts = new Set(Array.from({ length: 20 }, (_, seed) => place(seed)[0]?.join()));
    expect(starts.size).toBeGreaterThan(5);
  });
});
