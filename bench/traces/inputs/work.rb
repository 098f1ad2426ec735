# Structures, symbols to strings and back, JSON, and large arrays that come and go.
require "json"
require "set"

random = Random.new(1)
Item = Struct.new(:id, :name, :links, :data)
items = (0...60_000).map do |i|
  Item.new(i, "item #{random.rand(10**9)} " + "x" * random.rand(60), Array.new(random.rand(6)) { random.rand(60_000) }, { "key#{i % 1000}" => i.to_s * 3 })
end
groups = items.group_by { |item| item.name.length }
text = JSON.generate(items.first(20_000).map(&:to_a))
back = JSON.parse(text)
seen = Set.new
items.each { |item| item.links.each { |link| seen << "#{item.id}-#{link}" } }
items.select! { |item| item.id.odd? }
back.each { |row| row << row[1].split.map(&:upcase) }
puts text.length, groups.size, seen.size, back.flatten.size
