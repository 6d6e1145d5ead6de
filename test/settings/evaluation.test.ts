import { expect, test } from 'vitest';
import { z } from 'zod';
import { evaluationFaults, evaluationSettings, modelsOf } from '#src/settings/evaluation.ts';

const Settings = z.object(evaluationSettings);
type Env = Readonly<Record<string, string>>;
const read = (env: Env) => Settings.parse(env);
const model = (name: string): Env => ({
  [`EIREL_VALIDATOR_${name}_BASE_URL`]: 'https://models.example/v1/',
  [`EIREL_VALIDATOR_${name}_API_KEY_FILE`]: `/keys/${name}`,
});
const JUDGE = { EIREL_JUDGE_SERVICE_URL: 'http://judge:8095' };
const [OPENAI, GROK, RECONCILER] = ['ORACLE_OPENAI', 'ORACLE_GROK', 'RECONCILER'].map(model);
const LAYER = 'EIREL_VALIDATOR_ORACLE_*';

test.for<[string, Env, readonly string[]]>([
  ['a judge and no oracles', JUDGE, []],
  ['a judge and a whole layer of oracles', { ...JUDGE, ...OPENAI, ...GROK, ...RECONCILER }, []],
  ['the local judge', { EIREL_JUDGE_SERVICE_URL: 'local' }, []],
  ['no judge', {}, ['EIREL_JUDGE_SERVICE_URL']],
  ['one oracle', { ...JUDGE, ...OPENAI, ...RECONCILER }, [LAYER]],
  ['oracles that nobody reconciles', { ...JUDGE, ...OPENAI, ...GROK }, [LAYER]],
  ['a reconciler alone', { ...JUDGE, ...RECONCILER }, [LAYER]],
  ['nothing right', { ...OPENAI }, ['EIREL_JUDGE_SERVICE_URL', LAYER]],
])('with %s these settings are at fault: %j', ([, env, faults]) => {
  const found = evaluationFaults(read(env));
  expect(found).toHaveLength(faults.length);
  for (const [index, fault] of faults.entries()) expect(found[index]).toContain(fault);
});

test('a model counts with both its address and its key, without a slash at the end of the address', () => {
  const keyless = { EIREL_VALIDATOR_ORACLE_GEMINI_BASE_URL: 'https://models.example' };
  const { oracles, reconciler } = modelsOf(read({ ...OPENAI, ...keyless, ...RECONCILER }));
  expect(oracles).toEqual([
    {
      vendor: 'openai',
      baseUrl: 'https://models.example/v1',
      keySetting: 'EIREL_VALIDATOR_ORACLE_OPENAI_API_KEY_FILE',
      model: 'gpt-5.4',
      timeoutMs: 30_000,
      maxTokens: 4_096,
    },
  ]);
  expect(reconciler).toMatchObject({ model: 'zai-org/GLM-5.1-TEE' });
});

test.for<[string, Env]>([
  ['a judge with a path', { EIREL_JUDGE_SERVICE_URL: 'http://judge/v1' }],
  ['a judge that is no address', { EIREL_JUDGE_SERVICE_URL: 'eiretes' }],
  ['a time of nothing', { EIREL_INSTANT_BUDGET_SECONDS: '0' }],
  ['a time that is no number', { EIREL_THINKING_BUDGET_SECONDS: 'long' }],
  ['a negative cost', { EIREL_JOB_MAX_COST_USD: '-1' }],
  ['a fraction of a pair', { EIREL_EVALUATION_PAIRS: '1.5' }],
  ['a source of tasks that nobody knows', { EIREL_TASK_SOURCE: 'peers' }],
  ['a model without an address', { EIREL_VALIDATOR_RECONCILER_BASE_URL: 'models' }],
])('%s is refused', ([, env]) => {
  expect(Settings.safeParse(env).success).toBe(false);
});

test('money is given in USD, and kept in 1e-9 of it', () => {
  expect(read({ EIREL_EVAL_MIN_TURN_COST_USD: '0.00005' })).toMatchObject({
    EIREL_EVAL_MIN_TURN_COST_USD: 50_000,
    EIREL_JOB_MAX_COST_USD: 500_000_000,
  });
});
