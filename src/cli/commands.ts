import type { Command } from './command.ts';

/**
 * Every command by its name, in the order of the help. The code of a command is loaded when it is asked for: the
 * clients of chain, log and database take a second and a half together, and few commands need all of them.
 */
const LOADERS = new Map<string, () => Promise<Command>>(
  Object.entries({
    subnet: async () => (await import('./subnet.ts')).subnetCommand,
    validator: async () => (await import('./validator.ts')).validatorCommand,
    'tools web-search': async () => (await import('./tools.ts')).toolsWebSearchCommand,
    'tools url-fetch': async () => (await import('./tools.ts')).toolsUrlFetchCommand,
    'tools sandbox': async () => (await import('./tools.ts')).toolsSandboxCommand,
    'tools rag': async () => (await import('./tools.ts')).toolsRagCommand,
    'ledger show': async () => (await import('./ledger.ts')).ledgerShowCommand,
    ledger: async () => (await import('./ledger.ts')).ledgerCommand,
    proxy: async () => (await import('./proxy.ts')).proxyCommand,
    'owner task-set publish': async () =>
      (await import('./owner-task-set.ts')).ownerTaskSetPublishCommand,
    'owner runs open': async () => (await import('./owner-runs.ts')).ownerRunsOpenCommand,
    'owner runs end': async () => (await import('./owner-runs.ts')).ownerRunsEndCommand,
    'owner submissions list': async () =>
      (await import('./owner-submissions.ts')).ownerSubmissionsListCommand,
    owner: async () => (await import('./owner.ts')).ownerCommand,
    doctor: async () => (await import('./doctor.ts')).doctorCommand,
    'axon serve': async () => (await import('./axon.ts')).axonServeCommand,
    'keys new': async () => (await import('./keys.ts')).keysNewCommand,
    'keys show': async () => (await import('./keys.ts')).keysShowCommand,
    'keys sign': async () => (await import('./keys.ts')).keysSignCommand,
    'keys verify': async () => (await import('./keys.ts')).keysVerifyCommand,
    'streams apply': async () => (await import('./streams.ts')).streamsApplyCommand,
    'streams verify': async () => (await import('./streams.ts')).streamsVerifyCommand,
    'runs open': async () => (await import('./runs.ts')).runsOpenCommand,
    'runs close': async () => (await import('./runs.ts')).runsCloseCommand,
    'runs compare': async () => (await import('./runs.ts')).runsCompareCommand,
    'scores import': async () => (await import('./scores-import.ts')).scoresImportCommand,
    tail: async () => (await import('./tail.ts')).tailCommand,
    replay: async () => (await import('./replay.ts')).replayCommand,
    'audit log': async () => (await import('./audit-log.ts')).auditLogCommand,
    'audit run': async () => (await import('./audit-run.ts')).auditRunCommand,
    'audit bundle': async () => (await import('./audit-bundle.ts')).auditBundleCommand,
    'audit gate': async () => (await import('./audit-gate.ts')).auditGateCommand,
    'audit evidence': async () => (await import('./audit-evidence.ts')).auditEvidenceCommand,
    'log show': async () => (await import('./log-show.ts')).logShowCommand,
    'log status': async () => (await import('./log-status.ts')).logStatusCommand,
    'log init': async () => (await import('./log-init.ts')).logInitCommand,
    'log repair': async () => (await import('./log-repair.ts')).logRepairCommand,
    'log retire': async () => (await import('./log-retire.ts')).logRetireCommand,
    rebuild: async () => (await import('./rebuild.ts')).rebuildCommand,
    export: async () => (await import('./export.ts')).exportCommand,
    import: async () => (await import('./import.ts')).importCommand,
    'signing-history export': async () =>
      (await import('./signing-history.ts')).signingHistoryExportCommand,
    'signing-history import': async () =>
      (await import('./signing-history.ts')).signingHistoryImportCommand,
    'signing-history show': async () =>
      (await import('./signing-history.ts')).signingHistoryShowCommand,
    devchain: async () => (await import('./devchain.ts')).devchainCommand,
  }),
);

/** The names of all commands, of one to three words, in the order of the help. */
export const commandNames: readonly string[] = [...LOADERS.keys()];

/** Loads a command by its name. Throws a `TypeError` for a name that is none of `commandNames`. */
export function loadCommand(name: string): Promise<Command> {
  const load = LOADERS.get(name);
  if (load === undefined) throw new TypeError(`no command ${name}`);
  return load();
}
