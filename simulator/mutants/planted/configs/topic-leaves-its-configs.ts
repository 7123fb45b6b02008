import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the configs of a deleted topic are those of the next one of its name',
  source: 'Kafka, ConfigurationControlManager.deleteTopicConfigs; KIP-516: topics deleted and created again',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/removal.ts',
      find: "      ...removeConfigs(image, { type: 'topic', name: topic.name }),",
      replace: "      ...removeConfigs(image, { type: 'topic', name: topic.topicId }),",
    },
  ],
};
