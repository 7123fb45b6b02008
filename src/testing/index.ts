/**
 * A quorum in memory for tests: production code under virtual time, with brokers and clients of the SDK beside it.
 *
 * ```ts
 * const quorum = createTestQuorum({ seed: 7 });
 * const broker = quorum.createBroker({ id: 1, listeners });
 * await quorum.until(broker.whenUnfenced());
 * quorum.pause(broker, 20_000);
 * await quorum.advance(10_000);
 * ```
 */
export {
  createTestQuorum,
  type Member,
  type TestQuorum,
  type TestQuorumOptions,
  type UntilOptions,
} from './test-quorum.ts';
