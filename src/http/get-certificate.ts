import { notFound, type Unknown } from './availability.ts';
import { defineRoute, type Route } from './route.ts';
import { FamilyQuery, RunParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetCertificateDeps = Readonly<{
  defaultFamily: string;
  certificate: (family: string, run: string) => Promise<RunCertificate>;
}>;

export type RunCertificate =
  /** The EJ1 form of the certificate; the same bytes for ever. */
  | Readonly<{ kind: 'ready'; bytes: Uint8Array }>
  /** The certify block was finalised without one: there will be none. */
  | Readonly<{ kind: 'missed'; block: number }>
  /** There may still be one until `certifyBlock` is finalised. */
  | Readonly<{ kind: 'pending'; certifyBlock: number }>
  | Unknown;

/** GET /v1/consensus/certificates/{run_id}: one file with which anybody can check the outcome of a run. */
export function getCertificate({ defaultFamily, certificate }: GetCertificateDeps): Route {
  return defineRoute(spec, async ({ params, query, req, res }) => {
    const { run_id: run } = params;
    const family = query.family ?? defaultFamily;
    const found = await certificate(family, run);
    switch (found.kind) {
      case 'ready':
        sendDocument(req, res, byteDocument(found.bytes, 'immutable'));
        return;
      case 'missed':
        throw notFound(
          run,
          'missed',
          `Block ${found.block} was finalised without a certificate for ${run} of ${family}: there is none.`,
        );
      case 'pending':
        throw notFound(
          run,
          'none-yet',
          `There is no certificate for ${run} of ${family} yet; it may come until block ${found.certifyBlock}.`,
        );
      case 'unknown':
        throw notFound(run, 'unknown-run', `Nothing is held for ${run} of ${family}.`);
    }
  });
}

const spec = {
  path: '/v1/consensus/certificates/:run_id',
  summary: 'The certificate of a run: signatures of the stake on one outcome',
  params: RunParams,
  query: FamilyQuery,
  answers: [
    {
      status: 200,
      description: 'The certificate in EJ1: the same bytes for ever',
      contentType: 'application/json',
      schema: 'Certificate',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
