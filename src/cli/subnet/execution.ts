import type { RosterDocument } from '../../evaluation/roster.ts';
import type { Phases } from '../../events/run.ts';
import type { NatsAccount } from '../../runtime/nats-server-config.ts';
import { openAlteredArchives } from './altered-archives.ts';
import { DISHONEST, hotkeyOf, RUNNING, type Running } from './cast.ts';
import { startEchoProvider } from './echo-provider.ts';
import { type LocalOwner, ownerAccount, startLocalOwner } from './local-owner.ts';
import { ALTERED } from './plan.ts';
import { ledgerAccount, startValidatorServices } from './validator-services.ts';
import type { ChainAddress, Env } from './validators.ts';

/** Validators that run submissions; the dishonest one runs nothing. */
const MEASURING = RUNNING.filter((name) => name !== DISHONEST);

/** The authorities beside the validators: the owner, and each measuring validator's ledger. */
export const serviceAccounts: readonly NatsAccount[] = [
  ownerAccount,
  ...MEASURING.map(ledgerAccount),
];

/** What miners are run with on the local subnet. */
export type Execution = Readonly<{
  submit: LocalOwner['submit'];
  openRun: (phases: Phases) => Promise<RosterDocument>;
  /** The settings by which a validator runs submissions; none for the one that runs nothing. */
  settingsOf: (name: Running) => Env;
}> &
  AsyncDisposable;

/** Starts the owner's service, behind a line that alters one miner's archives, and the measuring validators' services. */
export async function startExecution(
  at: Readonly<{ dir: string; natsUrl: string; chain: ChainAddress }>,
  signal: AbortSignal,
): Promise<Execution> {
  await using opened = new AsyncDisposableStack();
  const owner = opened.use(await startLocalOwner(at, signal));
  const altered = new Set<string>();
  const line = opened.use(await openAlteredArchives(owner.url, () => altered));
  const provider = opened.use(await startEchoProvider());
  const settings = new Map<Running, Env>();
  for (const name of MEASURING) {
    const place = { ...at, provider: provider.url };
    const services = opened.use(await startValidatorServices(name, place, signal));
    settings.set(name, {
      ...services.settings,
      EIREL_OWNER_URL: line.url,
      EIREL_OWNER_HOTKEY: hotkeyOf('owner'),
    });
  }
  const running = opened.move();
  return {
    submit: owner.submit,
    openRun: async (phases) => {
      const roster = await owner.openRun(phases);
      for (const { hotkey, submission } of roster.members)
        if (hotkey === hotkeyOf(ALTERED)) altered.add(submission);
      return roster;
    },
    settingsOf: (name) => settings.get(name) ?? {},
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
