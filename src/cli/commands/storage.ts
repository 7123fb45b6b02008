import type { Command } from 'commander';
import type { StorageInfo } from '../../runtime/server-config.ts';
import { withOutputOption, type CliDependencies } from '../context.ts';
import { CliFailure } from '../failures.ts';
import { show, type OutputForm } from '../output/forms.ts';
import { bytesText, renderFields } from '../output/table.ts';

type InfoOptions = { readonly dataDir: string; readonly output: OutputForm };

export function addStorageCommands(program: Command, dependencies: CliDependencies): void {
  const storage = program.command('storage').description('Look at a controller’s data directory.');
  withOutputOption(storage.command('info'))
    .description('Whose directory it is, where its log and its vote stand, and what of it is damaged.')
    .requiredOption('--data-dir <directory>', 'the data directory of one controller, best a stopped one')
    .addHelpText('after', '\nNothing there is changed, and nothing is mended.')
    .action(async ({ dataDir, output }: InfoOptions) => {
      const inspected = await dependencies.inspectStorage(dataDir);
      if (!inspected.ok) {
        const { message } = inspected.error;
        throw new CliFailure('notFound', message, 'Name what the controller was given as its --data-dir.');
      }
      const info = inspected.value;
      await show(dependencies.terminal, output, info, () => infoText(info));
      if (info.faults.length > 0) throw damaged(info.faults);
    });
}

function damaged(faults: readonly string[]): CliFailure {
  return new CliFailure(
    'checkFailed',
    `It is damaged: ${faults.join('; ')}`,
    'Start the controller: it sets aside what is damaged and fetches it from the others, or says why it cannot.',
  );
}

function infoText(info: StorageInfo): string {
  const { log, quorumState } = info;
  return renderFields([
    ['Directory', info.dataDir],
    ['Controller', info.nodeId],
    ['Cluster', info.clusterId ?? 'none yet'],
    ['Directory id', info.directoryId],
    ['Used by', info.usedBy ?? 'nobody'],
    ['Epoch', quorumState?.epoch ?? null],
    ['Leader it knew', quorumState?.leaderId ?? null],
    ['Voted for', quorumState?.votedFor ?? null],
    ['Recovering', quorumState?.recovering ?? null],
    ['Log', log === null ? null : `${log.startOffset} to ${log.endOffset}`],
    ['Last epoch of log', log?.lastEpoch ?? null],
    ['Segments', log === null ? null : `${log.segments}, ${bytesText(log.bytes)}`],
    ['Torn write', log?.torn ?? 'none'],
    ['Checkpoints', info.checkpoints.map(({ name, bytes }) => `${name} (${bytesText(bytes)})`).join(', ')],
    ['Damage', info.faults.length === 0 ? 'none' : info.faults.join('; ')],
  ]);
}
