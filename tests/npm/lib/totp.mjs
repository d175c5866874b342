// What an authenticator does (RFC 6238: SHA-1, 6 digits, 30 seconds).

import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of a secret in base 32, `steps` from now. */
export function totp(secret, steps = 0) {
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
	const mac = createHmac("sha1", decode(secret)).update(counter).digest();
	const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
	return String(number % 1_000_000).padStart(6, "0");
}

function decode(text) {
	const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
	return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}
