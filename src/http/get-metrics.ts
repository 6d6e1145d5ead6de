import type { Metrics } from './metrics.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { sendText } from './send-json.ts';

export type GetMetricsDeps = Readonly<{ metrics: Pick<Metrics, 'registry'> }>;

/** GET /metrics: the process's figures in the Prometheus text format. */
export function getMetrics({ metrics }: GetMetricsDeps): Route {
  return defineRoute(spec, async ({ res }) => {
    const { registry } = metrics;
    sendText(res, 200, await registry.metrics(), registry.contentType);
  });
}

const spec = {
  path: '/metrics',
  summary: 'Figures of the process for Prometheus',
  params: NoParams,
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'The Prometheus text format, version 0.0.4',
      contentType: 'text/plain',
      schema: null,
      headers: {},
    },
  ],
  problems: [],
} as const;
