import { z } from 'zod';
import { encodeBytes } from '../events/ej1.ts';
import { MAX_REPORT_BYTES } from '../events/report.ts';
import { Signature, Ss58 } from '../events/scalars.ts';
import type { Signer, Verify } from './keys.ts';

/** The wire form of everything that a hotkey signs: the exact signed text, who signed it, and how. */
export const SignedDocument = z.strictObject({
  alg: z.literal('sr25519'),
  body: z.string().max(MAX_REPORT_BYTES),
  hotkey: Ss58,
  signature: Signature,
  /** The DSSE payload type: a signature over one kind of document is none over another. */
  type: z.string().max(128),
});
export type SignedDocument = z.infer<typeof SignedDocument>;

/** Escaping at most doubles the quotes of a body that is otherwise plain; the rest is the envelope. */
export const MAX_DOCUMENT_BYTES = 2 * MAX_REPORT_BYTES + 1_024;

/** Signs a body as it stands: verifiers see these bytes, nobody serialises them again. */
export function signDocument(type: string, body: string, signer: Signer): SignedDocument {
  const signature = signer.sign(pae(type, body));
  return { alg: 'sr25519', body, hotkey: signer.hotkey, signature, type };
}

/** True when the named hotkey signed exactly this type and body. */
export function verifyDocument(document: SignedDocument, verify: Verify): boolean {
  const { body, hotkey, signature, type } = document;
  return verify(pae(type, body), signature, hotkey);
}

/** The bytes that are served and sent: EJ1 of the wire form. */
export function encodeDocument(document: SignedDocument): Uint8Array {
  return encodeBytes(document);
}

/**
 * The DSSE pre-authentication encoding (secure-systems-lab/dsse, protocol.md):
 * `DSSEv1 SP len(type) SP type SP len(body) SP body`, lengths in bytes as decimal ASCII.
 */
export function pae(type: string, body: string): Uint8Array {
  const lengths = [Buffer.byteLength(type, 'utf8'), Buffer.byteLength(body, 'utf8')] as const;
  return Buffer.from(`DSSEv1 ${lengths[0]} ${type} ${lengths[1]} ${body}`, 'utf8');
}
