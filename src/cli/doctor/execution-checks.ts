import { type Finding, fault, type Looked, ok, unknown, warning } from './finding.ts';

/** What was found of the services by which a validator runs submissions; null details mean that they are ready. */
export type ExecutionFacts = Readonly<{
  runtime: 'kubernetes' | 'process';
  /** Whether the ledger takes the configured token. */
  token: Looked<null>;
  services: readonly Readonly<{ name: string; url: string; detail: string | null }>[];
  /** Null for the judge that is built in. */
  judge: Readonly<{ url: string; detail: string | null }> | null;
  owner: Readonly<{ url: string; detail: string | null }>;
}>;

/** What a validator needs that runs the submissions itself. */
export function checkExecution(facts: ExecutionFacts): readonly Finding[] {
  return [
    checkRuntime(facts.runtime),
    checkOwner(facts.owner),
    ...facts.services.map(checkService),
    checkToken(facts),
    checkJudge(facts.judge),
  ];
}

function checkRuntime(runtime: ExecutionFacts['runtime']): Finding {
  return runtime === 'kubernetes'
    ? ok('runtime', 'submissions run in Kubernetes')
    : warning(
        'runtime',
        'submissions run as processes of this user, which is no sandbox',
        'for development alone; set EIREL_RUNTIME=kubernetes',
      );
}

function checkOwner({ url, detail }: ExecutionFacts['owner']): Finding {
  return detail === null
    ? ok('owner', `${url} answers`)
    : fault('owner', `${url}: ${detail}`, 'see EIREL_OWNER_URL; without it no roster is fetched');
}

function checkService({ name, url, detail }: ExecutionFacts['services'][number]): Finding {
  return detail === null
    ? ok(name, `${url} is ready`)
    : fault(name, `${url}: ${detail}`, `start it; no miner is asked while the ${name} is away`);
}

function checkToken({ token, services }: ExecutionFacts): Finding {
  if ('value' in token) return ok('token', 'the ledger takes it');
  const away = services.some(({ name, detail }) => name === 'ledger' && detail !== null);
  return away
    ? unknown('token', 'the ledger does not answer')
    : fault('token', token.reason, 'give EIREL_SERVICE_TOKEN_FILE of the ledger to this validator');
}

function checkJudge(judge: ExecutionFacts['judge']): Finding {
  if (judge === null)
    return warning(
      'judge',
      'the built-in one compares answers with the expected ones',
      'for development alone; set EIREL_JUDGE_SERVICE_URL',
    );
  return judge.detail === null
    ? ok('judge', `${judge.url} answers`)
    : fault('judge', `${judge.url}: ${judge.detail}`, 'start it, or see EIREL_JUDGE_SERVICE_URL');
}
