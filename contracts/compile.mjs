// Compiles src/ into artifacts/, one small JSON file per contract, the same bytes on every machine.
//
//   node compile.mjs           writes the artifacts
//   node compile.mjs --check   compares them with those that are there, and fails on any difference

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(HERE, "src");
const ARTIFACTS = join(HERE, "artifacts");

const SETTINGS = {
  evmVersion: "prague",
  viaIR: true,
  optimizer: { enabled: true, runs: 100_000 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.methodIdentifiers"] } },
};

/** Every .sol file under src/ by its name relative to it, in a fixed order. */
function readSources() {
  const files = readdirSync(SOURCES, { recursive: true }).filter((name) => name.endsWith(".sol"));
  const names = files.map((name) => name.split(sep).join("/")).sort();
  return Object.fromEntries(names.map((name) => [name, { content: readFileSync(join(SOURCES, name), "utf8") }]));
}

/** Imports from npm packages; ours are given to the compiler as sources. */
function readImport(name) {
  const path = join(HERE, "node_modules", name);
  return existsSync(path) ? { contents: readFileSync(path, "utf8") } : { error: `${name}: run npm ci first` };
}

/** File name to file content of every contract in src/ that has code. */
function compile() {
  const sources = readSources();
  const input = { language: "Solidity", sources, settings: SETTINGS };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
  const messages = output.errors ?? [];
  if (messages.length > 0) {
    throw new Error(messages.map((message) => message.formattedMessage).join("\n"));
  }
  const artifacts = new Map();
  for (const source of Object.keys(sources)) {
    for (const [contractName, { abi, evm }] of Object.entries(output.contracts[source] ?? {})) {
      const [bytecode, deployedBytecode] = [evm.bytecode.object, evm.deployedBytecode.object];
      if (bytecode === "" || Object.keys(evm.methodIdentifiers).length === 0) continue; // interfaces and libraries
      const file = `${contractName}.json`;
      if (artifacts.has(file)) throw new Error(`two contracts are named ${contractName}`);
      const artifact = { contractName, abi, bytecode: `0x${bytecode}`, deployedBytecode: `0x${deployedBytecode}` };
      artifacts.set(file, `${JSON.stringify(artifact, null, 1)}\n`);
    }
  }
  return artifacts;
}

function write(artifacts) {
  rmSync(ARTIFACTS, { recursive: true, force: true });
  mkdirSync(ARTIFACTS);
  for (const [file, content] of artifacts) writeFileSync(join(ARTIFACTS, file), content);
  console.log(`${artifacts.size} artifacts written to ${relative(process.cwd(), ARTIFACTS)}`);
}

function check(artifacts) {
  const present = existsSync(ARTIFACTS) ? readdirSync(ARTIFACTS) : [];
  const names = new Set([...present, ...artifacts.keys()]);
  const differing = [...names].filter((file) => {
    const path = join(ARTIFACTS, file);
    return !artifacts.has(file) || !existsSync(path) || readFileSync(path, "utf8") !== artifacts.get(file);
  });
  if (differing.length > 0) {
    throw new Error(`these artifacts differ from what the sources give: ${differing.join(", ")}; run make contracts`);
  }
  console.log(`${artifacts.size} artifacts are what the sources give`);
}

try {
  (process.argv.includes("--check") ? check : write)(compile());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
