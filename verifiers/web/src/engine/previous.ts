/** Packages that a package passes on (package.md 7). */

import { toHex } from "./bytes";
import type { Digests } from "./digest";
import type { Env } from "./env";
import type { Files } from "./files";
import { sha256 } from "./hash";
import { judgeLog } from "./judged";
import { isObj } from "./json";
import { PACKAGE_LIMIT, type PackageFile, readPackage } from "./packagefile";
import { PackagedLog } from "./packaged";
import { Below, type Sink } from "./sink";
import { judgeSignature } from "./sshsig";
import { FILE } from "./table";

const MOST_DEEP = 8;

/** Each package in `previous`, and those that it passes on itself: one log each. */
export async function judgePrevious(
  env: Env,
  bag: Files,
  record: PackageFile,
  above: PackagedLog,
  digests: Digests,
  sink: Sink,
  folder = "evidence/",
  depth = 1,
): Promise<PackagedLog[]> {
  const found: PackagedLog[] = [];
  const there = new Set<string>();
  for (const { path, kind } of bag.list(`${folder}previous/`)) if (kind === FILE) there.add(path.split("/", 1)[0]!);
  const named = new Set(record.previous.map(({ package: digest }) => digest));
  for (const digest of there) {
    if (!named.has(digest)) sink.find("E166", `${folder}package.json`, `previous/${digest}`, "a package that it names");
  }
  for (const { package: digest, origin } of record.previous) {
    const here = `${folder}previous/${digest}/`;
    const own = new Below(sink, here);
    if (!there.has(digest)) {
      sink.find("E501", here, "none", "a package that is passed on");
      continue;
    }
    if (depth > MOST_DEEP) {
      sink.missedOut("record", "too_many", here, "more than 8 packages inside each other");
      continue;
    }
    const files = bag.below(here);
    const read = await files.read("package.json", PACKAGE_LIMIT);
    if (!("bytes" in read)) {
      own.find("E501", "package.json", "none", "the record of a package that is passed on");
      continue;
    }
    if (toHex(sha256(read.bytes)) !== digest) own.find("E201", "package.json", toHex(sha256(read.bytes)), digest);
    const parsed = readPackage(read.bytes);
    if ("fault" in parsed) {
      own.find(parsed.fault.code, "package.json", parsed.fault.found);
      continue;
    }
    const passed = parsed.value;
    const receive = above.log.kept.find(({ event }) => event.type === "receive" && event.body["package"] === digest);
    if (!receive) own.find("E166", "package.json", "none", "a receive event that names it, shown");
    const signature = await files.read("package.json.sig", 16 * 1024);
    let key = null;
    if ("bytes" in signature) {
      const judged = judgeSignature(signature.bytes, "evidencekit-package", read.bytes, passed.exporter.key);
      if ("code" in judged) own.find(judged.code, "package.json.sig", judged.found, passed.exporter.key);
      else key = judged.key;
    } else {
      own.find("E501", "package.json.sig", "none", "a plain file");
      own.find("E401", "package.json.sig", "none", `a signature by ${passed.exporter.key}`);
    }
    if (receive) {
      const { body } = receive.event;
      const head = isObj(body["log"]) ? body["log"] : {};
      const differs = (
        [
          ["case", body["case"], passed.case],
          ["transfer", body["transfer"], passed.transfer],
          ["origin", head["origin"], passed.checkpoint.origin],
          ["size", head["size"], passed.checkpoint.size],
          ["root", head["root"], passed.checkpoint.root],
          ["origin", origin, passed.checkpoint.origin],
        ] as const
      ).find(([, a, b]) => a !== b);
      if (differs)
        own.find("E166", "package.json", `${differs[0]} ${differs[2]}`, `${differs[0]} ${String(differs[1])}`);
    }
    judgeFiles(files, passed, own);
    const place = { sink: own, where: "package.json", prefix: "", full: false, passedOn: true, takeover: null };
    const one = new PackagedLog(env, files, bag, own, digests, passed, passed, place);
    await one.read();
    const said = passed.manifests.reduce((all, { shown }) => all + BigInt(shown), 0n);
    const here_ = [...one.lines.sums.lines.values()].reduce((all, count) => all + count, 0n);
    if (said > here_)
      own.missedOut("record", "withheld", "records.jsonl", `${said - here_} rows are not passed on`, true);
    const signers = [{ fingerprint: passed.exporter.key, key }];
    const signed = { index: one.log.size, actor: passed.exporter.id, signers };
    const besides = key ? [{ signed, where: "package.json.sig", sink: own }] : [];
    const judged = await judgeLog(env, one.log, own, besides);
    if (env.policy && judged.identity.status !== "ok")
      own.missedOut("identity", "previous", "package.json", judged.identity.reason);
    found.push(
      one,
      ...(await one.branches(passed)),
      ...(await judgePrevious(env, bag, passed, one, digests, sink, here, depth + 1)),
    );
  }
  return found;
}

/** Every file is one that the package lists, with its digest; none but those of rows is missing. */
function judgeFiles(files: Files, record: PackageFile, sink: Sink): void {
  const { table } = files.source;
  const listed = new Map(
    record.files.filter(({ path }) => path.startsWith("evidence/")).map((one) => [one.path.slice(9), one]),
  );
  const ofRows = (path: string): boolean => /(?:^|\/)(?:records\.jsonl|leaves\/[0-9]+|manifests\/.*)$/.test(path);
  for (const { path, kind, index } of files.list()) {
    if (
      kind !== FILE ||
      path === "package.json" ||
      path === "package.json.sig" ||
      /^previous\/[0-9a-f]{64}\//.test(path)
    )
      continue;
    const said = listed.get(path);
    if (!said) sink.find("E165", path, "a file that its package.json does not list");
    else if (
      !/(?:^|\/)records\.jsonl$/.test(path) &&
      table.digest(index) &&
      toHex(table.digest(index)!) !== said.sha256
    ) {
      sink.find("E201", path, toHex(table.digest(index)!), said.sha256);
    }
  }
  for (const path of listed.keys()) {
    if (!path.startsWith("previous/") && !ofRows(path) && !files.isFile(path)) {
      sink.find("E501", path, "none", "a file that its package.json lists");
    }
  }
}
