# A document made, turned into text, parsed, grouped and sorted.
[range(25000) | {id: ., name: "name\(. * 7919 % 10007)", tags: [range(. % 5) | tostring], nested: {a: (. % 17), b: [., . + 1]}}]
| tojson | fromjson
| group_by(.nested.a)
| map({key: .[0].nested.a, names: (map(.name) | sort | unique), total: (map(.id) | add)})
| map(.names |= map(ascii_upcase + "!"))
| [length, (map(.names | length) | add), (map(.total) | add)]
