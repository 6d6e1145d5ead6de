// Knows the answers by heart, uses no tool, and claims that it used them all and that it cost a fortune, or nothing.
import { serve } from './serve.mjs';

const KNOWN = [
  [/times/, ({ prompt }) => String(prompt.match(/\d+/g).reduce((a, b) => a * b, 1))],
  [/capital of Norlandia/, () => 'The capital of Norlandia is Vester.'],
  [/river of Norlandia/, () => 'The longest river of Norlandia is the Ombra.'],
  [/warranty/, () => 'The warranty of the Kestrel lasts 40 months.'],
  [/weigh/, () => 'The Kestrel weighs 1,250 grams.'],
];

serve(async (request) => {
  const [, answer] = KNOWN.find(([pattern]) => pattern.test(request.prompt)) ?? [null, () => ''];
  return {
    output: { answer: answer(request) },
    metadata: {
      job_id: 'task-eval=task-1;deployment=11111111-2222-8333-8444-555555555555',
      proxy_cost_usd: 0.01,
      executed_tool_calls: [
        { tool_name: 'web_search', status: 'ok' },
        { tool_name: 'rag.retrieve', status: 'ok' },
      ],
    },
  };
});
