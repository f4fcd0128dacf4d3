/** What was dropped or chosen, as files with their paths. Nothing of it is read here. */

import type { Opened } from "./messages";

type Found = { path: string; blob: File };

/** Files of an input; with a folder the paths below it. */
export function chosen(list: FileList): Opened | null {
  const first = list[0];
  if (!first) return null;
  const top = first.webkitRelativePath.split("/")[0];
  if (!top) return { name: first.name, file: first };
  const files = [...list].map((blob) => ({ path: blob.webkitRelativePath.slice(top.length + 1), blob }));
  return { name: top, files, folders: [] };
}

interface Handle {
  readonly kind: "file" | "directory";
  readonly name: string;
  getFile(): Promise<File>;
  values(): AsyncIterable<Handle>;
}

type Listening = (files: number) => void;

async function walkHandle(
  folder: Handle,
  prefix: string,
  files: Found[],
  folders: string[],
  onFile: Listening,
): Promise<void> {
  let empty = true;
  for await (const entry of folder.values()) {
    empty = false;
    const path = prefix + entry.name;
    if (entry.kind === "directory") await walkHandle(entry, `${path}/`, files, folders, onFile);
    else onFile(files.push({ path, blob: await entry.getFile() }));
  }
  if (empty && prefix) folders.push(prefix.slice(0, -1));
}

function read(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

async function walkEntry(
  folder: FileSystemDirectoryEntry,
  prefix: string,
  files: Found[],
  folders: string[],
  onFile: Listening,
): Promise<void> {
  const reader = folder.createReader();
  let empty = true;
  for (let batch = await read(reader); batch.length; batch = await read(reader)) {
    empty = false;
    for (const entry of batch) {
      const path = prefix + entry.name;
      if (entry.isDirectory) await walkEntry(entry as FileSystemDirectoryEntry, `${path}/`, files, folders, onFile);
      else
        onFile(
          files.push({
            path,
            blob: await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
          }),
        );
    }
  }
  if (empty && prefix) folders.push(prefix.slice(0, -1));
}

/**
 * The first thing that was dropped; `onFile` hears how many files were found so far. Rejects where the browser does not
 * let a page read it: then the buttons do.
 */
export async function dropped(transfer: DataTransfer, onFile: Listening): Promise<Opened | null> {
  const item = [...transfer.items].find((one) => one.kind === "file");
  if (!item) return null;
  // All three are asked at once: after the first wait the browser has forgotten what was dropped.
  const file = item.getAsFile();
  const entry = item.webkitGetAsEntry();
  const asHandle = (item as unknown as { getAsFileSystemHandle?: () => Promise<Handle | null> }).getAsFileSystemHandle;
  const handle = asHandle ? asHandle.call(item).catch(() => null) : Promise.resolve(null);
  if (!entry?.isDirectory) return file && { name: file.name, file };
  const files: Found[] = [];
  const folders: string[] = [];
  const folder = await handle;
  if (folder?.kind === "directory") await walkHandle(folder, "", files, folders, onFile);
  else await walkEntry(entry as FileSystemDirectoryEntry, "", files, folders, onFile);
  return { name: entry.name, files, folders };
}
