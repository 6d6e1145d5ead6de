import { type Agent, request } from 'node:http';

/** Where a ledger is, and what opens it. */
export type LedgerAt = Readonly<{ url: string; token: string }>;

/** A job, and how many calls were attested to it. */
export type AttestedJob = Readonly<{ name: string; calls: number }>;

export type Send = (
  method: string,
  path: string,
  body: string,
) => Promise<Readonly<{ status: number; text: string }>>;

/** Sends requests to a ledger over an agent's connections. */
export function ledgerSender({ url, token }: LedgerAt, agent: Agent): Send {
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(body === '' ? {} : { 'content-type': 'application/json' }),
        'content-length': Buffer.byteLength(body),
      };
      const sent = request(`${url}${path}`, { method, headers, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.once('error', reject);
      });
      sent.once('error', reject).end(body);
    });
}

/** How many calls the ledger has of a job. */
export async function callsOf({ name }: AttestedJob, send: Send): Promise<number> {
  const path = `/v1/internal/eval/job_ledger?job_id=${encodeURIComponent(name)}`;
  const { status, text } = await send('GET', path, '');
  if (status !== 200) throw new Error(`${status} ${text}`);
  const document = JSON.parse(text) as { n_calls: number }; // safe: eirel.md 5.3
  return document.n_calls;
}
