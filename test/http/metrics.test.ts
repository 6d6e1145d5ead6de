import { expect, test } from 'vitest';
import { createMetrics } from '#src/http/metrics.ts';
import { startApp } from './client.ts';
import { fakeValidator } from './fake-validator.ts';

test('what was never measured shows as NaN, not as zero', async () => {
  const text = await createMetrics().registry.metrics();
  expect(text).toMatch(/^eirel_log_size_events Nan$/m);
  expect(text).toMatch(/^eirel_finalized_block Nan$/m);
});

test('every function shows in the text that is scraped', async () => {
  const metrics = createMetrics();
  metrics.logSized(25);
  metrics.blockFinalized(6_852_690);
  metrics.appended(1_000, 8);
  metrics.projectionLagged('reports', 3);
  metrics.peerFetched('accepted');
  metrics.peerFetched('bad-signature');
  metrics.peerFetched('bad-signature');
  metrics.decided('hold', 'quorum-missed');
  metrics.certified('built');
  metrics.loopRestarted('gossip');
  metrics.minerInvoked('completed', 2_000);
  metrics.pairSettled('excused');
  metrics.verdictRefused();
  metrics.runtimeChanged('failed-own');
  metrics.pairPostponed('judge');
  metrics.pairExcused('ledger');
  metrics.evaluationSeen({ pairs: { busy: 3, left: null }, noOracle: 1, away: true });
  await using app = await startApp(fakeValidator({}, { metrics }));
  const { text, headers } = await app.ask('/metrics');
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      'eirel_log_size_events 25',
      'eirel_finalized_block 6852690',
      'eirel_log_append_batch_events_sum 1000',
      'eirel_log_append_duration_seconds_bucket{le="0.01"} 1',
      'eirel_log_append_duration_seconds_bucket{le="0.005"} 0',
      'eirel_projection_lag_events{projector="reports"} 3',
      'eirel_peer_fetches_total{outcome="accepted"} 1',
      'eirel_peer_fetches_total{outcome="bad-signature"} 2',
      'eirel_decisions_total{kind="hold",reason="quorum-missed"} 1',
      'eirel_certificates_total{outcome="built"} 1',
      'eirel_loop_restarts_total{loop="gossip"} 1',
      'eirel_evaluation_invocation_seconds_bucket{le="1",outcome="completed"} 0',
      'eirel_evaluation_invocation_seconds_bucket{le="5",outcome="completed"} 1',
      'eirel_evaluation_results_total{status="excused"} 1',
      'eirel_evaluation_refused_verdicts_total 1',
      'eirel_evaluation_runtimes_total{phase="failed-own"} 1',
      'eirel_evaluation_retries_total{of="judge"} 1',
      'eirel_evaluation_excuses_total{reason="ledger"} 1',
      'eirel_evaluation_pairs{state="busy"} 3',
      'eirel_evaluation_pairs{state="left"} Nan',
      'eirel_evaluation_tasks_without_oracle 1',
      'eirel_evaluation_services_away 1',
    ]),
  );
  expect(text).toMatch(/^process_resident_memory_bytes \d/m);
});

test('requests are counted by route and status, and no client can make a label', async () => {
  await using app = await startApp(fakeValidator());
  await app.ask('/livez');
  await app.ask('/livez');
  await app.ask('/livez?x=1');
  for (let index = 0; index < 20; index++) await app.ask(`/made-up-${index}`);
  await app.ask('/v1/consensus/scores/run-7');
  await app.ask('/v1/consensus/scores/run-8');
  for (let scrape = 0; scrape < 2; scrape++) {
    const lines = (await app.ask('/metrics')).text.split('\n');
    const counted = lines.filter((line) => line.startsWith('eirel_http_requests_total'));
    expect(counted).toEqual([
      'eirel_http_requests_total{route="/livez",status="200"} 2',
      'eirel_http_requests_total{route="/livez",status="400"} 1',
      'eirel_http_requests_total{route="unknown",status="404"} 20',
      'eirel_http_requests_total{route="/v1/consensus/scores/:run_id",status="404"} 2',
      ...(scrape === 0 ? [] : ['eirel_http_requests_total{route="/metrics",status="200"} 1']),
    ]);
  }
});

test('two sets of metrics in one process share nothing', async () => {
  const [first, second] = [createMetrics(), createMetrics()];
  first.certified('missed');
  expect(await second.registry.metrics()).not.toContain('outcome="missed"');
});
