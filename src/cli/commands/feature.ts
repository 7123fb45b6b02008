import type { Command } from 'commander';
import type { Client } from '../../client/create-client.ts';
import { operationsByName as operations } from '../../metadata/operations.ts';
import type { CliDependencies } from '../context.ts';
import type { Column } from '../output/table.ts';
import { addVerb, outcome, tableText } from '../verbs.ts';

type Features = Awaited<ReturnType<Client['describeFeatures']>>;

export function addFeatureCommands(program: Command, dependencies: CliDependencies): void {
  const feature = program.command('feature').description('Levels of features that the cluster goes by.');
  addVerb(feature, dependencies, {
    name: 'list',
    operation: operations.describeFeatures,
    call: (client, input, options) => client.describeFeatures(input, options),
    text: (features, view) => tableText(view, columns, rowsOf(features), 'There is no feature.'),
  });
  addVerb(feature, dependencies, {
    name: 'update',
    operation: operations.updateFeature,
    positional: ['feature'],
    explanations: {
      feature: 'the feature’s name, as in metadata.version',
      featureLevel: 'the level to finalize; 0 removes the feature',
      upgradeType: 'upgrade, safeDowngrade or unsafeDowngrade; upgrade when absent',
    },
    example: 'feature update metadata.version --feature-level 1 --dry-run',
    call: (client, input, options) => client.updateFeature(input, options),
    text: ({ name, featureLevel }, view) =>
      featureLevel === 0
        ? outcome(view, `${name} is finalized no more.`, `${name} could be removed.`)
        : outcome(
            view,
            `${name} is finalized at level ${featureLevel}.`,
            `${name} could be finalized at level ${featureLevel}.`,
          ),
  });
}

type FeatureRow = {
  readonly name: string;
  readonly level: number | null;
  readonly supported: string | null;
  readonly lastModified: number | null;
};

const kraftVersionName = 'kraft.version';

/** One row for each name, whether finalized, supported or both; `kraft.version` is finalized by the log itself. */
function rowsOf({ finalized, supported, kraftVersion }: Features): readonly FeatureRow[] {
  const names = new Set([...[...finalized, ...supported].map(({ name }) => name), kraftVersionName]);
  return [...names].map((name): FeatureRow => {
    const level = finalized.find((each) => each.name === name);
    const range = supported.find((each) => each.name === name);
    return {
      name,
      level: name === kraftVersionName ? kraftVersion : (level?.featureLevel ?? null),
      supported: range === undefined ? null : `${range.minSupportedVersion} to ${range.maxSupportedVersion}`,
      lastModified: level?.lastModified ?? null,
    };
  });
}

const columns: readonly Column<FeatureRow>[] = [
  { heading: 'FEATURE', cell: (row) => row.name },
  { heading: 'LEVEL', cell: (row) => row.level, align: 'right' },
  { heading: 'SUPPORTED', cell: (row) => row.supported },
  { heading: 'LAST MODIFIED AT', cell: (row) => row.lastModified, align: 'right', isWide: true },
];
