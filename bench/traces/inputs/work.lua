-- Objects, a prefix tree of words, strings by concatenation, and tables that grow and shrink.
math.randomseed(1)
local words, tree, nodes = {}, {}, 0
for i = 1, 60000 do
  local letters = {}
  for j = 1, math.random(3, 12) do letters[j] = string.char(96 + math.random(1, 26)) end
  words[i] = table.concat(letters)
  local node = tree
  for j = 1, #letters do
    local child = node[letters[j]]
    if not child then
      child = {}
      node[letters[j]] = child
      nodes = nodes + 1
    end
    node = child
  end
  node.last = { index = i, word = words[i] }
end
local lines = {}
for i = 1, 20000 do
  local line = ""
  for j = 1, math.random(1, 20) do line = line .. words[math.random(#words)] .. " " end
  lines[#lines + 1] = line
  if i % 4 == 0 then table.remove(lines, math.random(#lines)) end
end
table.sort(lines)
print(nodes, #lines, #table.concat(lines))
