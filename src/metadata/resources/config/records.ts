import { defineRecord, int8, nullable, type RecordOf, string } from '../../schema.ts';

export const configNameLengthMax = 249;
export const configValueLengthMax = 4_096;

/** Kafka's: sets one config of one resource; a value of null takes it away. */
export const configRecord = defineRecord({
  name: 'ConfigRecord',
  id: 4,
  fields: {
    /** Kafka's ConfigResource.Type: 2 topic, 4 broker. */
    resourceType: int8,
    /** A topic's name, a broker's id, or the empty text for the default of all brokers. */
    resourceName: string(249),
    name: string(configNameLengthMax),
    value: nullable(string(configValueLengthMax)),
  },
});

export type ConfigRecord = RecordOf<typeof configRecord>;

export const resourceTypes = { topic: 2, broker: 4 } as const;

export type ResourceTypeName = keyof typeof resourceTypes;

export function resourceTypeName(resourceType: number): ResourceTypeName | null {
  if (resourceType === resourceTypes.topic) return 'topic';
  return resourceType === resourceTypes.broker ? 'broker' : null;
}
