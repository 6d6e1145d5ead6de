import { join } from 'node:path';
import type { Runtimes } from '../cluster/cluster.ts';
import { probeHealth } from '../cluster/health.ts';
import type { MinerServices } from '../cluster/miner-environment.ts';
import { openProcessRuntimes } from '../cluster/process/process-runtimes.ts';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { runtimeFaults } from '../settings/cluster.ts';

const MIB = 1_024 * 1_024;

/** A process's share of the processor over its life: an hour is more than a run of development takes. */
const PROCESS_CPU_SECONDS = 3_600;

/** Nothing that a submission writes into one file is larger. */
const PROCESS_FILE_BYTES = 64 * MIB;

/** What is told of a cluster between two reconciles; child processes tell nothing. */
export type RuntimeNews = Readonly<{
  /** Something is another than it was: a reconcile may find more. */
  onChange: () => void;
  /** A watch of the cluster does not go as it should, or its network is not closed: both are tried again. */
  onTrouble: (kind: string, detail: string) => void;
}>;

/**
 * Opens the runtimes that the configuration names, for the validator with that hotkey. `services` says where a child
 * process finds proxy and tools; pods have the cluster's own. Throws `config.invalid` for what is missing.
 */
export async function openRuntimes(
  config: Config,
  {
    instance,
    services,
    ...news
  }: RuntimeNews & Readonly<{ instance: string; services: MinerServices }>,
): Promise<Runtimes & AsyncDisposable> {
  const faults = runtimeFaults(config);
  if (faults.length > 0) throw new AppError('config.invalid', { faults });
  if (config.EIREL_RUNTIME === 'process') return openProcesses(config, services);
  // Loaded only where there is a cluster: its client takes a quarter of a validator's start.
  const { openCluster } = await import('./open-cluster.ts');
  return openCluster(config, instance, news);
}

function openProcesses(
  config: Config,
  services: MinerServices,
): Promise<Runtimes & AsyncDisposable> {
  return openProcessRuntimes({
    folder: join(config.EIREL_DATA_DIR, 'runtimes'),
    services,
    limits: {
      cpuSeconds: PROCESS_CPU_SECONDS,
      memoryBytes: config.EIREL_RUNTIME_MEMORY_MIB * MIB,
      fileBytes: PROCESS_FILE_BYTES,
    },
    node: process.execPath,
    startMs: config.EIREL_RUNTIME_START_SECONDS * 1_000,
    probe: probeHealth,
    now: () => performance.now(),
  });
}
