import {
  array,
  boolean,
  defineRecord,
  int16,
  int32,
  int64,
  int8,
  nullable,
  type RecordOf,
  string,
  struct,
  type StructOf,
  uint16,
  uuidType,
} from '../../schema.ts';

export const endPointFields = { name: string(249), host: string(255), port: uint16, securityProtocol: int16 };
export type EndPoint = StructOf<typeof endPointFields>;

export const supportedFeatureFields = {
  name: string(249),
  minSupportedVersion: int16,
  maxSupportedVersion: int16,
};
export type SupportedFeature = StructOf<typeof supportedFeatureFields>;

/** A broker process presents itself. Its offset becomes `brokerEpoch`, unless the process amends its own. */
export const registerBrokerRecord = defineRecord({
  name: 'RegisterBrokerRecord',
  id: 0,
  fields: {
    brokerId: int32,
    incarnationId: uuidType,
    brokerEpoch: int64,
    endPoints: array(struct(endPointFields), 16),
    features: array(struct(supportedFeatureFields), 64),
    rack: nullable(string(249)),
    fenced: boolean,
    inControlledShutdown: boolean,
    logDirs: array(uuidType, 64),
  },
});

export const unregisterBrokerRecord = defineRecord({
  name: 'UnregisterBrokerRecord',
  id: 1,
  fields: { brokerId: int32, brokerEpoch: int64 },
});

export const brokerRegistrationChangeRecord = defineRecord({
  name: 'BrokerRegistrationChangeRecord',
  id: 17,
  fields: {
    brokerId: int32,
    brokerEpoch: int64,
    /** -1 unfenced, 0 no change, 1 fenced. */
    fenced: int8,
    /** 0 no change, 1 in controlled shutdown. */
    inControlledShutdown: int8,
    /** Null for no change. */
    logDirs: nullable(array(uuidType, 64)),
  },
});

/**
 * An operator holds a broker, or lets go of it: while it is held it stays fenced, or becomes so when its lease is
 * over. Kafka has no such thing; its FenceBrokerRecord is another.
 */
export const holdBrokerRecord = defineRecord({
  name: 'HoldBrokerRecord',
  id: 1020,
  fields: { brokerId: int32, isHeld: boolean },
});

/**
 * A broker's new incarnation cannot show that it holds all that the one before held (KIP-966: an unclean shutdown).
 * It holds until the broker is unfenced.
 */
export const uncleanShutdownRecord = defineRecord({
  name: 'UncleanShutdownRecord',
  id: 1030,
  metadataVersions: [2],
  fields: { brokerId: int32 },
});

export type UncleanShutdownRecord = RecordOf<typeof uncleanShutdownRecord>;
export type HoldBrokerRecord = RecordOf<typeof holdBrokerRecord>;
export type RegisterBrokerRecord = RecordOf<typeof registerBrokerRecord>;
export type UnregisterBrokerRecord = RecordOf<typeof unregisterBrokerRecord>;
export type BrokerRegistrationChangeRecord = RecordOf<typeof brokerRegistrationChangeRecord>;
