-- What each customer has spent.
SELECT name, sum(amount) AS revenue
FROM customers JOIN orders USING (customer_id)
GROUP BY name
