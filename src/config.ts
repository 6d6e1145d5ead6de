import { z } from 'zod';
import { nanoFromDouble } from './consensus/nano.ts';
import { AppError } from './errors.ts';
import type { Rules } from './events/decision.ts';
import { Family, Fraction } from './events/scalars.ts';
import { WeightMode } from './events/weights.ts';

/** What JavaScript makes of a text is not what its writer gave: the text itself is shown as the value. */
const Figure = z.coerce.number({
  error: ({ code }) => (code === 'invalid_type' ? 'a number' : undefined),
});
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
  EIREL_DATA_DIR: z.string().min(1).default('.eirel').describe('where projections are kept'),
  EIREL_HOTKEY_SEED_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("a file that holds the hotkey's seed, 64 hex digits"),
  EIREL_CHAIN_FILE: z.string().min(1).optional().describe('a metagraph snapshot (JSON)'),
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
    .describe('how often the chain is asked for its newest finalised block, in milliseconds'),
  EIREL_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe("least level of the process's own log lines"),
});
export type Config = Readonly<z.infer<typeof Environment>>;

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
        `${path.join('.')}: ${message}, got ${JSON.stringify(env[String(path[0])])}`,
    ),
    ...empty.map((name) => `${name}: empty, expected a value or no such variable`),
    ...unknown.map((name) => `${name}: no such setting`),
  ];
  throw new AppError('config.invalid', { faults, next: 'see docs/operating.md for every setting' });
}

/** Without these there is no validator, whatever its mode. */
export const NEEDED = ['EIREL_HOTKEY_SEED_FILE', 'EIREL_CHAIN_FILE'] as const;

/**
 * What a validator process cannot do without, beyond what every command reads. Without the owner's API
 * the modes that set the owner's pick would never have one, and would hold or burn without a word.
 */
export function validatorFaults(config: Config): readonly string[] {
  const missing = NEEDED.filter((name) => config[name] === undefined).map(
    (name) => `${name}: not set, and this command needs it`,
  );
  const mode = config.EIREL_WEIGHT_MODE;
  return mode === 'decentralized' || config.EIREL_OWNER_URL !== undefined
    ? missing
    : [
        ...missing,
        `EIREL_OWNER_URL: not set, and EIREL_WEIGHT_MODE=${mode} needs it; set it, or EIREL_WEIGHT_MODE=decentralized`,
      ];
}

/** A setting's default as an operator would write it; undefined where there is none. */
export function defaultOf(name: string): string | undefined {
  const defaults: Readonly<Record<string, unknown>> = Environment.parse({});
  const value = defaults[name];
  if (name === 'EIREL_MARGIN' || name === 'EIREL_FAMILY_SHARE') return String(Number(value) / 1e9);
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
