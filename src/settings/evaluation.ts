import { z } from 'zod';
import type { Vendor } from '../evaluation/reconciler.ts';
import { MINERS_AT_ONCE } from '../evaluation/run-length.ts';
import { nanoUsdOf } from '../evaluation/usd.ts';

const Figure = z.coerce.number({
  error: ({ code }) => (code === 'invalid_type' ? 'a number' : undefined),
});
const Url = z.string().regex(/^https?:\/\/[^/\s]+$/, 'a URL without path');
const Usd = Figure.min(0).max(1_000_000).transform(nanoUsdOf);

/** How this validator measures miners where EIREL_EXEC_MODE is `local`. */
export const evaluationSettings = {
  EIREL_TASK_SOURCE: z
    .enum(['roster', 'owner'])
    .default('roster')
    .describe(
      "roster: every task of the run's roster; owner: tasks are leased from the owner, and results are submitted to it",
    ),
  EIREL_JUDGE_SERVICE_URL: z
    .union([z.literal('local'), Url], 'a URL without path, or `local`')
    .optional()
    .describe(
      'the judge of answers; `local` compares them with the expected ones, for development; needed with EIREL_EXEC_MODE=local',
    ),
  EIREL_EVAL_JUDGE_TIMEOUT_SECONDS: Figure.int()
    .min(1)
    .max(600)
    .default(60)
    .describe('how long one answer of the judge is waited for'),
  EIREL_INSTANT_BUDGET_SECONDS: Figure.int()
    .min(1)
    .max(3_600)
    .default(120)
    .describe(
      'what a turn of a task of mode `instant` may take; `eirel owner` refuses runs that are too short for it',
    ),
  EIREL_THINKING_BUDGET_SECONDS: Figure.int()
    .min(1)
    .max(3_600)
    .default(600)
    .describe(
      'what a turn of a task of mode `thinking` may take; `eirel owner` refuses runs that are too short for it',
    ),
  EIREL_JOB_MAX_COST_USD: Usd.default(500_000_000).describe(
    'what a miner may spend on one turn, in USD',
  ),
  EIREL_JOB_MAX_CALLS: Figure.int()
    .min(0)
    .max(10_000)
    .default(32)
    .describe('how many calls of tools a miner may make in one turn'),
  EIREL_EVAL_MIN_TURN_COST_USD: Usd.default(0).describe(
    'an answer that is known to have cost less counts 0, in USD; 0 asks for nothing, because prices differ between validators',
  ),
  EIREL_EVALUATION_PAIRS: Figure.int()
    .min(1)
    .max(256)
    .default(MINERS_AT_ONCE)
    .describe('how many miners are asked at once, each of them one task at a time'),
  EIREL_EVALUATION_TASKS: Figure.int()
    .min(1)
    .max(40)
    .default(3)
    .describe('of how many tasks at once'),
  EIREL_KEEP_DOCUMENTS_RUNS: Figure.int()
    .min(2)
    .max(1_000)
    .optional()
    .describe(
      'of how many of the newest runs archives, tasks, answers and transcripts are kept; of all runs unless it is set. Logs and rosters are always kept',
    ),
  EIREL_WEB_SEARCH_URL: Url.optional().describe(
    'the web search that miners of this validator reach',
  ),
  EIREL_URL_FETCH_URL: Url.optional().describe(
    'the page fetcher that miners of this validator reach',
  ),
  EIREL_SANDBOX_URL: Url.optional().describe('the sandbox that miners of this validator reach'),
  EIREL_RAG_URL: Url.optional().describe('the document search that miners of this validator reach'),
  EIREL_VALIDATOR_PAIRWISE_REFERENCE_VENDOR: z
    .enum(['openai', 'gemini', 'grok'])
    .default('openai')
    .describe("whose answer miners' answers are compared with"),
  ...modelSettings('EIREL_VALIDATOR_ORACLE_OPENAI', 'an oracle', 'gpt-5.4'),
  ...modelSettings('EIREL_VALIDATOR_ORACLE_GEMINI', 'an oracle', 'gemini-3.1-pro-preview'),
  ...modelSettings('EIREL_VALIDATOR_ORACLE_GROK', 'an oracle', 'grok-4.3'),
  ...modelSettings('EIREL_VALIDATOR_RECONCILER', 'the reconciler', 'zai-org/GLM-5.1-TEE'),
};

type EvaluationConfig = Readonly<z.infer<z.ZodObject<typeof evaluationSettings>>>;

/** What is missing before miners can be measured here: a judge has to be chosen, it is not guessed. */
export function evaluationFaults(config: EvaluationConfig): readonly string[] {
  const judge =
    config.EIREL_JUDGE_SERVICE_URL === undefined
      ? ['EIREL_JUDGE_SERVICE_URL: not set, and EIREL_EXEC_MODE=local needs it']
      : [];
  const { oracles, reconciler } = modelsOf(config);
  const layer =
    (oracles.length === 0 && reconciler === null) || (oracles.length >= 2 && reconciler !== null)
      ? []
      : [
          `EIREL_VALIDATOR_ORACLE_*, EIREL_VALIDATOR_RECONCILER_*: ${oracles.length} oracles and ${reconciler === null ? 'no' : 'a'} reconciler have both URL and key; set at least two and one, or none`,
        ];
  return [...judge, ...layer];
}

/** One configured model. */
export type ConfiguredModel = Readonly<{
  baseUrl: string;
  /** The setting that names the file of its key. */
  keySetting: `${ModelPrefix}_API_KEY_FILE`;
  model: string;
  timeoutMs: number;
  maxTokens: number;
}>;

/** The oracles and the reconciler that have an address and a key. */
export function modelsOf(config: EvaluationConfig): Readonly<{
  oracles: readonly (ConfiguredModel & Readonly<{ vendor: Vendor }>)[];
  reconciler: ConfiguredModel | null;
}> {
  const vendors = { openai: 'OPENAI', gemini: 'GEMINI', grok: 'GROK' } as const;
  const oracles = (['openai', 'gemini', 'grok'] as const).flatMap((vendor) => {
    const model = modelOf(config, `EIREL_VALIDATOR_ORACLE_${vendors[vendor]}`);
    return model === null ? [] : [{ ...model, vendor }];
  });
  return { oracles, reconciler: modelOf(config, 'EIREL_VALIDATOR_RECONCILER') };
}

type ModelPrefix =
  | 'EIREL_VALIDATOR_ORACLE_OPENAI'
  | 'EIREL_VALIDATOR_ORACLE_GEMINI'
  | 'EIREL_VALIDATOR_ORACLE_GROK'
  | 'EIREL_VALIDATOR_RECONCILER';

function modelOf(config: EvaluationConfig, prefix: ModelPrefix): ConfiguredModel | null {
  const baseUrl = config[`${prefix}_BASE_URL`];
  const keySetting = `${prefix}_API_KEY_FILE` as const;
  if (baseUrl === undefined || config[keySetting] === undefined) return null;
  return {
    baseUrl: baseUrl.replace(/\/$/, ''),
    keySetting,
    model: config[`${prefix}_MODEL`],
    timeoutMs: config[`${prefix}_TIMEOUT_SECONDS`] * 1_000,
    maxTokens: config[`${prefix}_MAX_TOKENS`],
  };
}

/** The five settings of one model, under the names of the existing services; its key comes from a file. */
function modelSettings<const Prefix extends ModelPrefix>(
  prefix: Prefix,
  what: string,
  model: string,
) {
  const settings = {
    [`${prefix}_BASE_URL`]: z
      .string()
      .regex(/^https?:\/\/\S+$/, 'a URL')
      .optional()
      .describe(`where ${what} answers, such as https://api.openai.com/v1`),
    [`${prefix}_API_KEY_FILE`]: z
      .string()
      .min(1)
      .optional()
      .describe(`a file that holds the key of ${what}`),
    [`${prefix}_MODEL`]: z.string().min(1).max(128).default(model).describe(`the model of ${what}`),
    [`${prefix}_TIMEOUT_SECONDS`]: Figure.int()
      .min(1)
      .max(600)
      .default(30)
      .describe(`how long ${what} is waited for`),
    [`${prefix}_MAX_TOKENS`]: Figure.int()
      .min(64)
      .max(262_144)
      .default(4_096)
      .describe(`how long ${what} may answer, in tokens`),
  };
  // safe: these are the keys above
  return settings as unknown as Record<
    `${Prefix}_BASE_URL` | `${Prefix}_API_KEY_FILE`,
    z.ZodOptional<z.ZodString>
  > &
    Record<`${Prefix}_MODEL`, z.ZodDefault<z.ZodString>> &
    Record<`${Prefix}_TIMEOUT_SECONDS` | `${Prefix}_MAX_TOKENS`, z.ZodDefault<z.ZodCoercedNumber>>;
}
