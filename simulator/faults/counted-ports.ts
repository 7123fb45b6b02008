import type { CheckpointStore, CheckpointStores } from '../../src/ports/checkpoint-store.ts';
import type { Files } from '../../src/ports/files.ts';
import type { Transport } from '../../src/ports/transport.ts';
import { ok, type Result } from '../../src/base/result.ts';
import type { CrashPoint } from './crash-point.ts';

type Counting = { readonly crashPoint: CrashPoint };

/** Ports whose every call passes a crash point first; once the process has ended, the call does nothing. */
export function countedFiles(files: Files, { crashPoint }: Counting): Files {
  return {
    submit: (operation, complete) => {
      crashPoint.passed(operation.kind);
      files.submit(operation, complete);
    },
  };
}

export function countedTransport(transport: Transport, { crashPoint }: Counting): Transport {
  return {
    send: (to, message) => {
      crashPoint.passed('send');
      transport.send(to, message);
    },
    setEndpoints: (endpoints) => transport.setEndpoints(endpoints),
    close: (complete) => transport.close(complete),
  };
}

export function countedStores(stores: CheckpointStores, { crashPoint }: Counting): CheckpointStores {
  const counted = (store: CheckpointStore): CheckpointStore => ({
    submit: (operation, complete) => {
      crashPoint.passed('store');
      store.submit(operation, complete);
    },
  });
  const opened =
    <Failure>(complete: (result: Result<CheckpointStore, Failure>) => void) =>
    (result: Result<CheckpointStore, Failure>): void =>
      complete(result.ok ? ok(counted(result.value)) : result);
  return {
    open: (complete) => stores.open(opened(complete)),
    openReceiving: (snapshotId, complete) => stores.openReceiving(snapshotId, opened(complete)),
    discardReceiving: (complete) => {
      crashPoint.passed('store');
      stores.discardReceiving(complete);
    },
    setAside: (complete) => {
      crashPoint.passed('store');
      stores.setAside((result) =>
        complete(result.ok ? ok({ ...result.value, store: counted(result.value.store) }) : result),
      );
    },
    installReceived: (complete) => {
      crashPoint.passed('store');
      stores.installReceived(opened(complete));
    },
    close: (complete) => stores.close(complete),
  };
}
