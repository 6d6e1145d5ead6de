import { z } from 'zod';
import { nanoFromDouble } from './consensus/nano.ts';
import { AppError } from './errors.ts';
import type { Rules } from './events/decision.ts';
import { Family, Fraction } from './events/scalars.ts';
import { FINNEY_GENESIS } from './events/source.ts';
import { WeightMode } from './events/weights.ts';
import { clusterSettings, runtimeFaults } from './settings/cluster.ts';
import { evaluationFaults, evaluationSettings } from './settings/evaluation.ts';
import { executionSettings } from './settings/execution.ts';
import { ledgerSettings } from './settings/ledger.ts';
import { ownerSettings } from './settings/owner.ts';
import { proxySettings } from './settings/proxy.ts';
import { serviceSettings } from './settings/services.ts';
import { toolSettings } from './settings/tools.ts';

/** What JavaScript makes of a text is not what its writer gave: the text itself is shown as the value. */
const Figure = z.coerce.number({
  error: ({ code }) => (code === 'invalid_type' ? 'a number' : undefined),
});
/** A name in a wallet's folder, not a way out of it. */
const Name = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/, 'a plain name');
const Switch = z
  .enum(['on', 'off', 'true', 'false', '1', '0'])
  .transform((text) => text === 'on' || text === 'true' || text === '1');

/** More nodes than anybody has; one is connected at a time. */
const MAX_ENDPOINTS = 16;

const Port = Figure.int().min(0).max(65_535);
const Share = Figure.min(0).max(1).transform(nanoFromDouble);
const Ratio = z
  .string()
  .regex(/^[0-9]{1,6}\/[0-9]{1,6}$/, 'a fraction such as 2/3')
  .transform((text) => {
    const [num, den] = text.split('/');
    return { num: Number(num), den: Number(den) };
  })
  .pipe(Fraction.refine(({ num, den }) => num > 0 && num <= den, 'above 0 and at most 1'));

/** Everything that an operator can set, by environment variable; the defaults are the subnet's rules. */
export const Environment = z.object({
  EIREL_NATS_URL: z
    .string()
    .regex(/^(nats|tls):\/\/[^/\s]+$/, 'a URL such as nats://127.0.0.1:4222')
    .default('nats://127.0.0.1:4222')
    .describe('the nats-server that keeps the logs'),
  EIREL_NATS_USER: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe("the user of this process in the validator's account"),
  EIREL_NATS_PASSWORD_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("a file that holds the user's password"),
  EIREL_DATA_DIR: z
    .string()
    .min(1)
    .default('.eirel')
    .describe('where projections and the published log are kept'),
  EIREL_SIGNING_DIR: z
    .string()
    .min(1)
    .default('.eirel-signing')
    .describe(
      "what was signed, and the log's keys: on another disk than the nats-server, never restored from a copy",
    ),
  EIREL_CHECKPOINT_MS: Figure.int()
    .min(20)
    .max(60_000)
    .default(1_000)
    .describe('how often new events are covered by a signed checkpoint, in milliseconds'),
  EIREL_ANCHOR_INTERVAL_BLOCKS: Figure.int()
    .min(10)
    .max(14_400)
    .default(1_200)
    .describe('after so many blocks the newest checkpoint is anchored on chain again'),
  EIREL_WALLET_NAME: Name.optional().describe(
    'the Bittensor wallet whose hotkey signs; this, a seed file or a mnemonic file is needed',
  ),
  EIREL_WALLET_HOTKEY: Name.default('default').describe("the name of the wallet's hotkey"),
  EIREL_WALLET_PATH: z
    .string()
    .min(1)
    .default('~/.bittensor/wallets')
    .describe('the folder of the wallets'),
  EIREL_WALLET_PASSWORD_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("a file that holds the password, where the wallet's hotkey is encrypted ($NACL)"),
  EIREL_HOTKEY_SEED_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("a file that holds the hotkey's seed, 64 hex digits"),
  EIREL_HOTKEY_MNEMONIC_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("a file that holds the hotkey's mnemonic, 12 to 24 words"),
  EIREL_NETUID: Figure.int().min(0).max(65_535).default(36).describe('the subnet'),
  EIREL_CHAIN_ENDPOINTS: z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .pipe(
      z
        .array(z.string().regex(/^wss?:\/\/[^\s,]+$/, 'a URL such as ws://127.0.0.1:9944'))
        .min(1)
        .max(MAX_ENDPOINTS),
    )
    .default(['wss://entrypoint-finney.opentensor.ai:443'])
    .describe(
      'nodes of the chain, separated by commas; one connection at a time, the next one when it fails',
    ),
  EIREL_CHAIN_GENESIS: z
    .string()
    .regex(/^(0x)?[0-9a-f]{64}$/, 'a block hash, 64 lower-case hex digits')
    .transform((text) => text.replace(/^0x/, ''))
    .default(FINNEY_GENESIS)
    .describe('hash of block 0, which every node must have; the default is Finney'),
  EIREL_WEIGHTS_VERSION_KEY: z
    .string()
    .regex(/^[0-9]{1,19}$/, 'a whole number')
    .default('0')
    .transform(BigInt)
    .describe('version key of the weights; not below what the subnet asks for'),
  EIREL_WEIGHT_INTERVAL_BLOCKS: Figure.int()
    .min(1)
    .max(2_400)
    .default(180)
    .describe('after so many blocks the weights are set again, because they decay otherwise'),
  EIREL_COMMIT_SCORES: Switch.optional().describe(
    'commit to each report on chain before it opens; by default unless the mode is `owner`',
  ),
  EIREL_CONSENSUS_REQUIRE_COMMITMENT: Switch.default(false).describe(
    'leave out reports that their validator did not commit to, and validators that committed twice',
  ),
  EIREL_HTTP_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('the address that peers and auditors are served on'),
  EIREL_HTTP_PORT: Port.default(8_787).describe('its port; 0 takes a free one'),
  EIREL_PEER_ADDRESSES: z
    .enum(['public', 'loopback'])
    .default('public')
    .describe('`loopback` also lets peers be on this machine: a local subnet'),
  EIREL_FAMILY: Family.default('general_chat').describe(
    'the family that routes and commands take when none is named',
  ),
  EIREL_WEIGHT_MODE: WeightMode.default('owner').describe('`owner`, `shadow` or `decentralized`'),
  EIREL_OWNER_URL: z
    .string()
    .regex(/^https?:\/\/[^/\s]+$/, 'a URL without path')
    .optional()
    .describe("the owner's API, for the owner's pick; needed unless the mode is `decentralized`"),
  EIREL_MIN_STAKE_RAO: z
    .string()
    .regex(/^[0-9]{1,30}$/, 'rao as a whole number')
    .default('0')
    .transform(BigInt)
    .describe('total stake from which a validator votes'),
  EIREL_QUORUM: Ratio.default({ num: 2, den: 3 }).describe(
    'share of the voting stake whose reports must be in',
  ),
  EIREL_MINER_QUORUM: Ratio.default({ num: 1, den: 2 }).describe(
    'share of the voting stake that must have scored a miner',
  ),
  EIREL_MIN_COLDKEYS: Figure.int()
    .min(1)
    .max(128)
    .default(3)
    .describe('distinct coldkeys among the reporting validators'),
  EIREL_MARGIN: Share.default(50_000_000).describe(
    'by how much a challenger must beat the incumbent, 0 to 1',
  ),
  EIREL_FAMILY_SHARE: Share.default(1_000_000_000).describe(
    "the family's share of the weight, 0 to 1; the rest burns",
  ),
  EIREL_MIN_VECTOR_LENGTH: Figure.int()
    .min(1)
    .max(256)
    .default(1)
    .describe('entries that the subnet asks a weight vector to have'),
  EIREL_CERTIFICATE_QUORUM: Ratio.refine(
    ({ num, den }) => 2 * num > den,
    'above 1/2: two certificates of one run could not share a signer',
  )
    .default({ num: 2, den: 3 })
    .describe('share of the voting stake that must sign one outcome'),
  EIREL_POLL_MS: Figure.int()
    .min(20)
    .max(60_000)
    .default(2_000)
    .describe('how often the newest finalised block is looked at, in milliseconds'),
  EIREL_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe("least level of the process's own log lines"),
  ...clusterSettings,
  ...serviceSettings,
  ...executionSettings,
  ...evaluationSettings,
  ...ledgerSettings,
  ...toolSettings,
  ...proxySettings,
  ...ownerSettings,
});
export type Config = Readonly<z.infer<typeof Environment>>;

/** Settings whose value is not shown: a node's URL may hold a key. */
const SECRET_IN: ReadonlySet<string> = new Set<keyof Config>([
  'EIREL_CHAIN_ENDPOINTS',
  'EIREL_NATS_URL',
]);

/** Reads the configuration. Every fault is reported at once, each with its variable, as `config.invalid`. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith('EIREL_') && !(name in Environment.shape),
  );
  // An empty variable would read as zero where a number is wanted: it is a fault, not a value.
  const empty = Object.keys(Environment.shape).filter((name) => env[name] === '');
  const parsed = Environment.safeParse(env);
  if (parsed.success && unknown.length + empty.length === 0) return Object.freeze(parsed.data);
  const faults = [
    ...(parsed.error?.issues ?? []).map(
      ({ path, message }) =>
        `${path.join('.')}: ${message}${SECRET_IN.has(String(path[0])) ? '' : `, got ${JSON.stringify(env[String(path[0])])}`}`,
    ),
    ...empty.map((name) => `${name}: empty, expected a value or no such variable`),
    ...unknown.map((name) => `${name}: no such setting`),
  ];
  throw new AppError('config.invalid', { faults, next: 'see docs/operating.md for every setting' });
}

/** Settings of which exactly one says where the hotkey is. */
export const KEY_SETTINGS = [
  'EIREL_WALLET_NAME',
  'EIREL_HOTKEY_SEED_FILE',
  'EIREL_HOTKEY_MNEMONIC_FILE',
] as const;

/**
 * What a validator process cannot do without, beyond what every command reads. Without the owner's API
 * the modes that set the owner's pick would never have one, and would hold or burn without a word.
 */
export function validatorFaults(config: Config): readonly string[] {
  const mode = config.EIREL_WEIGHT_MODE;
  const owner =
    mode === 'decentralized' || config.EIREL_OWNER_URL !== undefined
      ? []
      : [
          `EIREL_OWNER_URL: not set, and EIREL_WEIGHT_MODE=${mode} needs it; set it, or EIREL_WEIGHT_MODE=decentralized`,
        ];
  return [...keyFaults(config), ...owner, ...executionFaults(config)];
}

/** Who runs submissions itself has to know whose rosters they are of, and where to ask for them. */
function executionFaults(config: Config): readonly string[] {
  if (config.EIREL_EXEC_MODE !== 'local') return [];
  const needed = [
    'EIREL_OWNER_URL',
    'EIREL_OWNER_HOTKEY',
    'EIREL_SERVICE_TOKEN_FILE',
    'EIREL_JOB_KEY_FILE',
  ] as const;
  const missing = needed
    .filter((name) => config[name] === undefined)
    .map((name) => `${name}: not set, and EIREL_EXEC_MODE=local needs it`);
  return [...missing, ...evaluationFaults(config), ...runtimeFaults(config)];
}

/** What is wrong with the settings that say where the hotkey is. */
export function keyFaults(config: Config): readonly string[] {
  const given = KEY_SETTINGS.filter((name) => config[name] !== undefined);
  if (given.length === 1) return [];
  return [
    given.length === 0
      ? `${KEY_SETTINGS.join(', ')}: none is set, and the hotkey is needed; set one of them`
      : `${given.join(', ')}: each says where the hotkey is; set one of them only`,
  ];
}

/** A setting's default as an operator would write it; undefined where there is none. */
export function defaultOf(name: string): string | undefined {
  const defaults: Readonly<Record<string, unknown>> = Environment.parse({});
  const value = defaults[name];
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.join(',');
  if (name === 'EIREL_MARGIN' || name === 'EIREL_FAMILY_SHARE' || name.endsWith('_COST_USD'))
    return String(Number(value) / 1e9);
  if (typeof value === 'object' && value !== null && 'num' in value && 'den' in value)
    return `${String(value.num)}/${String(value.den)}`;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : undefined;
}

/** The rules of consensus that the configuration sets. */
export function rulesOf(config: Config): Rules {
  return {
    version: 'swm/1',
    quorum: config.EIREL_QUORUM,
    minerQuorum: config.EIREL_MINER_QUORUM,
    minColdkeys: config.EIREL_MIN_COLDKEYS,
    margin: config.EIREL_MARGIN,
    familyShare: config.EIREL_FAMILY_SHARE,
    minVectorLength: config.EIREL_MIN_VECTOR_LENGTH,
    certificateQuorum: config.EIREL_CERTIFICATE_QUORUM,
    requireCommitment: config.EIREL_CONSENSUS_REQUIRE_COMMITMENT,
  };
}

/** A setting that a command cannot do without. */
export function required<K extends keyof Config>(config: Config, name: K): NonNullable<Config[K]> {
  const value = config[name];
  if (value === undefined || value === null)
    throw new AppError('config.invalid', {
      faults: [`${name}: not set, and this command needs it`],
    });
  return value;
}

/** Whether this validator commits to its reports: it does where its weights rest on them, unless told otherwise. */
export function commitsScores(config: Config): boolean {
  return config.EIREL_COMMIT_SCORES ?? config.EIREL_WEIGHT_MODE !== 'owner';
}
