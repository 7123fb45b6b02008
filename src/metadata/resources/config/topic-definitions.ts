import { type ConfigDefinition, defineConfig } from './definition.ts';

const longMax = '9223372036854775807';
const sevenDaysMs = '604800000';
const oneDayMs = '86400000';

/** Kafka's configs of a topic, with the broker's config that stands in for each. Times are in ms, sizes in bytes. */
export const topicDefinitions: readonly ConfigDefinition[] = Object.freeze([
  defineConfig(
    'cleanup.policy',
    'list',
    'What happens to old data: delete it after its retention, compact it to the last record of each key, or both.',
    { defaultValue: 'delete', allowed: ['compact', 'delete'], brokerName: 'log.cleanup.policy' },
  ),
  defineConfig(
    'compression.type',
    'string',
    'How record batches are compressed on the broker; producer keeps them as they come.',
    {
      defaultValue: 'producer',
      allowed: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
      brokerName: 'compression.type',
    },
  ),
  defineConfig(
    'delete.retention.ms',
    'long',
    'How long a compacted topic keeps the markers of deleted keys.',
    {
      defaultValue: oneDayMs,
      minimum: '0',
      brokerName: 'log.cleaner.delete.retention.ms',
    },
  ),
  defineConfig('file.delete.delay.ms', 'long', 'How long a deleted segment stays on the disk.', {
    defaultValue: '60000',
    minimum: '0',
    brokerName: 'log.segment.delete.delay.ms',
  }),
  defineConfig('flush.messages', 'long', 'Records after which the log is flushed to the disk.', {
    defaultValue: longMax,
    minimum: '1',
    brokerName: 'log.flush.interval.messages',
  }),
  defineConfig('flush.ms', 'long', 'Time after which the log is flushed to the disk.', {
    defaultValue: longMax,
    minimum: '0',
    brokerName: 'log.flush.interval.ms',
  }),
  defineConfig(
    'follower.replication.throttled.replicas',
    'list',
    'Replicas whose fetching is throttled, as partition:broker; * for all of them.',
    { defaultValue: '' },
  ),
  defineConfig('index.interval.bytes', 'int', 'Bytes of log for each entry of the offset index.', {
    defaultValue: '4096',
    minimum: '0',
    brokerName: 'log.index.interval.bytes',
  }),
  defineConfig(
    'leader.replication.throttled.replicas',
    'list',
    'Replicas that leaders serve throttled, as partition:broker; * for all of them.',
    { defaultValue: '' },
  ),
  defineConfig('max.compaction.lag.ms', 'long', 'How long a record may stay uncompacted.', {
    defaultValue: longMax,
    minimum: '1',
    brokerName: 'log.cleaner.max.compaction.lag.ms',
  }),
  defineConfig('max.message.bytes', 'int', 'The largest record batch that is taken.', {
    defaultValue: '1048588',
    minimum: '0',
    brokerName: 'message.max.bytes',
  }),
  defineConfig(
    'message.timestamp.after.max.ms',
    'long',
    'How far ahead of the broker’s clock a record’s timestamp may lie.',
    {
      defaultValue: '3600000',
      minimum: '0',
      brokerName: 'log.message.timestamp.after.max.ms',
    },
  ),
  defineConfig(
    'message.timestamp.before.max.ms',
    'long',
    'How far behind the broker’s clock a record’s timestamp may lie.',
    {
      defaultValue: longMax,
      minimum: '0',
      brokerName: 'log.message.timestamp.before.max.ms',
    },
  ),
  defineConfig(
    'message.timestamp.type',
    'string',
    'Whether a record keeps the producer’s time or gets that of its append.',
    {
      defaultValue: 'CreateTime',
      allowed: ['CreateTime', 'LogAppendTime'],
      brokerName: 'log.message.timestamp.type',
    },
  ),
  defineConfig(
    'min.cleanable.dirty.ratio',
    'double',
    'The uncompacted share of a log from which on it is compacted.',
    {
      defaultValue: '0.5',
      minimum: '0',
      maximum: '1',
      brokerName: 'log.cleaner.min.cleanable.ratio',
    },
  ),
  defineConfig('min.compaction.lag.ms', 'long', 'How long a record stays uncompacted at least.', {
    defaultValue: '0',
    minimum: '0',
    brokerName: 'log.cleaner.min.compaction.lag.ms',
  }),
  defineConfig('min.insync.replicas', 'int', 'In-sync replicas that a write with acks=all needs.', {
    defaultValue: '1',
    minimum: '1',
    brokerName: 'min.insync.replicas',
  }),
  defineConfig(
    'ottla.placement.avoid.brokers',
    'list',
    'Brokers, by id, on which no replica is placed. Ottla’s own.',
    { defaultValue: '', minimum: '0' },
  ),
  defineConfig(
    'ottla.placement.racks',
    'list',
    'Racks over which replicas are spread, and outside of which none is placed; anywhere when empty. Ottla’s own.',
    { defaultValue: '' },
  ),
  defineConfig('preallocate', 'boolean', 'Whether a segment gets its whole space when it is made.', {
    defaultValue: 'false',
    brokerName: 'log.preallocate',
  }),
  defineConfig(
    'retention.bytes',
    'long',
    'The size of a partition above which its oldest data goes; -1 for no limit.',
    {
      defaultValue: '-1',
      brokerName: 'log.retention.bytes',
    },
  ),
  defineConfig('retention.ms', 'long', 'How long data is kept; -1 for ever.', {
    defaultValue: sevenDaysMs,
    minimum: '-1',
    brokerName: 'log.retention.ms',
  }),
  defineConfig('segment.bytes', 'int', 'The size of a segment of the log.', {
    defaultValue: '1073741824',
    minimum: '1048576',
    brokerName: 'log.segment.bytes',
  }),
  defineConfig('segment.index.bytes', 'int', 'The size of the index of a segment.', {
    defaultValue: '10485760',
    minimum: '4',
    brokerName: 'log.index.size.max.bytes',
  }),
  defineConfig('segment.jitter.ms', 'long', 'By how much the rolling of segments is spread at most.', {
    defaultValue: '0',
    minimum: '0',
    brokerName: 'log.roll.jitter.ms',
  }),
  defineConfig('segment.ms', 'long', 'Time after which a segment is rolled even if it is not full.', {
    defaultValue: sevenDaysMs,
    minimum: '1',
    brokerName: 'log.roll.ms',
  }),
  defineConfig(
    'unclean.leader.election.enable',
    'boolean',
    'Whether a replica that is not in sync may lead when no other can, at the price of lost records.',
    { defaultValue: 'false', brokerName: 'unclean.leader.election.enable' },
  ),
]);
