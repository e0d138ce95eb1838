// The same as peer_trips.py for node's iso_8583: node peer_trips.js FOLDER < lines
// FOLDER has the library in node_modules; bitmap binary, as it has no other.
'use strict';
const path = require('path');
const Iso = require(path.join(process.argv[2], 'node_modules', 'iso_8583'));
const hexadecimal = { ContentType: 'an', Label: '', LenType: 'fixed', MaxLen: 16 };
const formats = { 52: hexadecimal, 64: hexadecimal };
let trip = null;

function prepared(line) {
  const [request, dropped, answer] = JSON.parse(line);
  const payload = new Iso({ 0: '0200', ...request }, formats).getBufferMessage();
  return () => {
    const read = { ...new Iso({}, formats).getIsoJSON(payload, { lenHeader: true }), ...answer };
    read[0] = '0210';
    for (const number of dropped) delete read[number];
    const written = new Iso(read, formats).getBufferMessage();
    if (!Buffer.isBuffer(written)) throw new Error(JSON.stringify(written));
  };
}

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (trip === null) {
    trip = prepared(line);
    return;
  }
  const calls = Number(line);
  const before = process.cpuUsage();
  for (let call = 0; call < calls; call += 1) trip();
  const spent = process.cpuUsage(before);
  console.log((spent.user + spent.system) / calls);
});
