import { CodedError, editFile } from "../base/index.ts";
import { parseCredentialDocument, type CredentialDocument } from "./credential-document.ts";
import { CredentialError } from "./credential-error.ts";
import { readCredentialFile } from "./read-credential-file.ts";

/**
 * Puts what `edit` makes of the document of credentials at `path` in the place of the file, as
 * `editFile` does.
 *
 * @param edit - the members of the new document, or undefined where the file is to stay as it is; it
 *   may be called several times
 * @returns whether the file was written
 * @throws CredentialError `CREDENTIALS_FILE`; the signal's reason when aborted
 */
export async function editCredentialFile(
  path: string,
  edit: (document: CredentialDocument) => Readonly<Record<string, unknown>> | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await editFile(
      path,
      async (target) => {
        const members = edit(await readCredentialDocument(target));
        return members && `${JSON.stringify(members, undefined, "\t")}\n`;
      },
      signal,
    );
  } catch (error) {
    if (signal.aborted || error instanceof CodedError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `cannot write credentials to ${path}: ${reason}`;
    throw new CredentialError("CREDENTIALS_FILE", message, { cause: error });
  }
}

/** The document at `path`; an empty one where there is no file. */
export async function readCredentialDocument(path: string): Promise<CredentialDocument> {
  const bytes = await readCredentialFile(path);
  return parseCredentialDocument(bytes ?? new Uint8Array(), path, "config");
}
